"""QuickBooks Online as syncd sees it: transport, tokens, and what its answers mean."""
