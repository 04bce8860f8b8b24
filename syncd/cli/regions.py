"""What people call the regions; on its own, since commands that only name one need nothing of QuickBooks."""

from __future__ import annotations

from syncd.db.states import Region

REGIONS = {Region.US: "US", Region.CA: "Canada", Region.GLOBAL: "Global"}
