"""QuickBooks' query language, as far as statements are put together by hand."""

from __future__ import annotations


def literal(text: str) -> str:
    """The text as a literal: in single quotes, with the backslash escapes of Intuit's query page."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
