"""The item of what has none in SIP becomes a QuickBooks Item, in the way of every service item.

The document is that of `service_item`, with the name "SIP Services" and neither description, price nor taxability.
"""

from __future__ import annotations

from syncd.push.service_item import *  # noqa: F403 (whatever a service item has, this has)
from syncd.push.service_item import __all__  # noqa: F401
