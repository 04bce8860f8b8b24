"""syncd keeps QuickBooks Online (QBO) true to Service Invoice Pro (SIP)."""

__version__ = "0.1.0"
