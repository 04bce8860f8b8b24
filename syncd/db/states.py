"""Every closed list of values, once: each is an enum type in Postgres (migrations) and here; a test compares them."""

from __future__ import annotations

import re
from enum import StrEnum


class Values(StrEnum):
    """A closed list of values with the same name and members as an enum type in schema `syncd`."""

    @classmethod
    def sql_name(cls) -> str:
        """`CompanyState` is `syncd.company_state`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


class State(Values):
    """Where one record stands between SIP and QBO; the page `docs/states.md` explains each."""

    PENDING = "pending"
    SENDING = "sending"
    UNKNOWN = "unknown"
    WAITING = "waiting"
    HELD = "held"
    ERROR = "error"
    COLLISION = "collision"
    DIVERGED = "diverged"
    SYNCED = "synced"
    VARIANCE = "variance"

    @property
    def badge(self) -> str:
        """What SIP shows beside the record."""
        if self is State.SYNCED:
            return "QB Synced"
        if self in {State.PENDING, State.SENDING, State.UNKNOWN, State.WAITING}:
            return "QB Pending"
        return "QB Error"

    @property
    def counts_attempt(self) -> bool:
        """Whether getting here used one of the three attempts that a record has."""
        return self is State.ERROR


class JobClass(Values):
    """Live work goes before backfill."""

    LIVE = "live"
    BACKFILL = "backfill"


class Source(Values):
    """What made a record due."""

    AUTO = "auto"
    MANUAL = "manual"
    WEBHOOK = "webhook"


class WaitsOn(Values):
    """What a waiting job waits for."""

    SETTING = "setting"
    CONNECTION = "connection"
    RECORD = "record"
    DOCUMENT = "document"


class CallKind(Values):
    """One record, or a batch of up to 30."""

    SINGLE = "single"
    BATCH = "batch"


class CallOutcome(Values):
    """The life of one HTTP write."""

    SENT = "sent"
    ANSWERED = "answered"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    ABANDONED = "abandoned"


class Direction(Values):
    """Push is SIP to QBO, pull is QBO to SIP."""

    PUSH = "push"
    PULL = "pull"


class LogStatus(Values):
    """SIP's three words for the result of one sync."""

    SUCCESS = "success"
    ERROR = "error"
    SKIPPED = "skipped"


class FaultClass(Values):
    """What kind of trouble it was; decides what happens next (design section 7)."""

    RECORD = "record"
    VARIANCE = "variance"
    PERIOD = "period"
    STALE = "stale"
    TRANSIENT = "transient"
    THROTTLE = "throttle"
    AUTH = "auth"
    COMPANY = "company"


class Region(Values):
    """Decides how tax is handled."""

    US = "us"
    CA = "ca"
    GLOBAL = "global"


class Environment(Values):
    """Intuit's two worlds; a link of one is never used in the other."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class AccountSlot(Values):
    """What SIP needs an account of QuickBooks for; the last five serve Stripe payouts."""

    INCOME = "income"
    EXPENSES = "expenses"
    DISCOUNTS = "discounts"
    UNDEPOSITED_FUNDS = "undeposited_funds"
    CHECKING = "checking"
    PAYMENT_FEES = "payment_fees"
    REFUNDS_CLEARING = "refunds_clearing"
    DISPUTED_PAYMENTS = "disputed_payments"
    UNDISTRIBUTED_TIPS = "undistributed_tips"


class ItemSlot(Values):
    """What has no service item in SIP and needs one in QuickBooks: lines of free text, and time."""

    LINES = "lines"
    TIME = "time"


class PaymentMethod(Values):
    """SIP's seven payment methods."""

    CARD = "card"
    ACH = "ach"
    APPLE_PAY = "apple_pay"
    CASH = "cash"
    CHECK = "check"
    ZELLE = "zelle"
    OTHER = "other"


class RunOutcome(Values):
    """What became of a record that was pushed by hand. There: QuickBooks had it already. Failed: somebody has to look,
    or it is tried again much later. Moving: it is not known yet.
    """

    SENT = "sent"
    THERE = "there"
    SKIPPED = "skipped"
    FAILED = "failed"
    WAITING = "waiting"
    MOVING = "moving"


class CompanyState(Values):
    """Whether a company can be reached at all."""

    DISCONNECTED = "disconnected"
    CONNECTED = "connected"
    NEEDS_RECONNECT = "needs_reconnect"
