"""syncd keeps QuickBooks Online (QBO) true to Service Invoice Pro (SIP)."""
