"""Switches for what QBO's documentation leaves open.

The default of each is the answer that is harder on a client: a client that
passes under it, and under the other one, does not depend on a guess.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Quirk:
    """One open question: its allowed answers, the default first."""

    name: str
    values: tuple[str, ...]
    meaning: str


QUIRKS: tuple[Quirk, ...] = (
    Quirk(
        "failed-replay",
        ("remember", "forget"),
        "whether a requestid whose first call met a validation fault answers that fault again",
    ),
    Quirk(
        "replay-memory",
        ("1h", "forever", "none"),
        "how long the answer to a requestid is kept",
    ),
    Quirk(
        "concurrent-requestid",
        ("refused", "once"),
        "a requestid that arrives while its first call is still running: fault 600, or carried out once",
    ),
    Quirk(
        "refresh-token-rotation",
        ("at-once", "24h"),
        "whether each refresh gives a new refresh token, or only the first after 24 hours",
    ),
    Quirk(
        "old-refresh-token",
        ("dead-at-once", "24h"),
        "how long a replaced refresh token still works",
    ),
    Quirk(
        "reused-code",
        ("revokes", "refused"),
        "whether a second use of an authorization code also ends the tokens of the first",
    ),
    Quirk(
        "inactive-name",
        ("taken", "free"),
        "whether the name of an inactive customer, vendor or employee can be used again",
    ),
    Quirk(
        "inactive-suffix",
        ("on", "off"),
        "whether inactive names are shown with ` (deleted)` behind them",
    ),
    Quirk(
        "inactive-update",
        ("refused", "allowed"),
        "whether an inactive object can be changed without being made active in the same call",
    ),
    Quirk(
        "inactive-reference",
        ("2500", "610"),
        "the fault for a reference to something inactive",
    ),
    Quirk(
        "total-tax",
        ("honoured", "ignored"),
        "whether tax amounts in a request replace those QuickBooks computes",
    ),
    Quirk(
        "over-application",
        ("refused", "capped"),
        "a payment line above what is open of its invoice: fault 6000, or cut to it",
    ),
    Quirk(
        "link-token",
        ("moves", "stays"),
        "whether an invoice's SyncToken goes up when a payment is applied, and a payment's when it is unapplied",
    ),
    Quirk(
        "missing-currency",
        ("refused", "customer"),
        "a transaction without CurrencyRef in a multicurrency company: fault 2020, or the customer's",
    ),
    Quirk(
        "closed-books",
        ("6210", "6200", "5010"),
        "the fault for a transaction dated in closed books",
    ),
    Quirk(
        "doc-number-warning",
        ("on", "off"),
        "whether companies that number by hand refuse a number in use",
    ),
    Quirk(
        "discount-off",
        ("dropped", "refused"),
        "a discount line in a company without discounts: left out without a word, or fault 6000",
    ),
    Quirk(
        "billed-time",
        ("refused", "changed"),
        "a change of a time activity that an invoice has billed: fault 6000, or carried out",
    ),
    Quirk(
        "cdc-too-old",
        ("truncated", "refused"),
        "a changedSince more than 30 days ago: answered for 30 days without a word, or a fault",
    ),
    Quirk(
        "cdc-time-activity",
        ("absent", "present"),
        "whether change data capture knows TimeActivity",
    ),
    Quirk(
        "auto-apply",
        ("on", "off"),
        "whether, with AutoApplyCredit, what is left of a new payment pays the oldest open invoices",
    ),
    Quirk(
        "item-name-scope",
        ("company", "parent"),
        "whether the name of an item is unique in the company, or under its parent only",
    ),
    Quirk(
        "sparse-item",
        ("full", "sparse"),
        "whether a sparse update of an item clears what it leaves out",
    ),
    Quirk(
        "names-lock",
        ("on", "names", "off"),
        "whether two list writes at the same time in one company end in fault 6000: of all lists, or of"
        " customers, vendors and employees only",
    ),
    Quirk(
        "batch-subset",
        ("executed", "replayed"),
        "whether a batch with a known requestid and other bIds is a new request, or its known items replay",
    ),
    Quirk(
        "batch-order",
        ("reversed", "as-sent"),
        "the order of the answers in a batch's answer",
    ),
    Quirk(
        "batch-weight",
        ("one", "items"),
        "how much of the limit of requests a minute a batch uses up",
    ),
    Quirk(
        "retry-after",
        ("absent", "present"),
        "whether a 429 carries Retry-After",
    ),
    Quirk(
        "throttle-code",
        ("003001", "3001"),
        "how a throttle fault spells its code",
    ),
    Quirk(
        "gateway-casing",
        ("lower", "upper"),
        "whether 401, 403 and 429 faults have lower-case keys",
    ),
    Quirk(
        "fault-on-200",
        ("off", "on"),
        "whether validation faults come with HTTP 200",
    ),
    Quirk(
        "unknown-property",
        ("unnamed", "named"),
        "whether fault 2010 names the property it did not know",
    ),
    Quirk(
        "default-format",
        ("xml", "json"),
        "the format of an answer when Accept does not ask for JSON",
    ),
    Quirk(
        "default-order",
        ("id-desc", "id-asc"),
        "the order of a query without ORDERBY",
    ),
    Quirk(
        "email-list",
        ("refused", "accepted"),
        "whether an e-mail field may hold several addresses with commas",
    ),
    Quirk(
        "emoji-names",
        ("accepted", "refused"),
        "whether names may hold characters outside the basic plane",
    ),
)

_BY_NAME = {quirk.name: quirk for quirk in QUIRKS}


class QuirkError(ValueError):
    """An unknown quirk or value; the message is one sentence with the remedy."""


class Quirks:
    """The chosen value of every quirk."""

    def __init__(self) -> None:
        self._chosen = {quirk.name: quirk.values[0] for quirk in QUIRKS}

    def __getitem__(self, name: str) -> str:
        return self._chosen[name]

    def set_all(self, choices: Mapping[str, str]) -> None:
        """Choose several values, or none of them if one is wrong (QuirkError)."""
        for name, value in choices.items():
            _check(name, value)
        self._chosen.update(choices)

    def as_dict(self) -> dict[str, str]:
        """Every quirk with its present value."""
        return dict(self._chosen)


def parse_options(options: Iterable[str]) -> dict[str, str]:
    """The choices in a list of `name=value` words (QuirkError if one is wrong)."""
    choices: dict[str, str] = {}
    for option in options:
        name, sign, value = option.partition("=")
        if not sign:
            raise QuirkError(f"A quirk is written name=value, not {option!r}.")
        _check(name, value)
        choices[name] = value
    return choices


def _check(name: str, value: object) -> None:
    quirk = _BY_NAME.get(name)
    if quirk is None:
        raise QuirkError(f"There is no quirk {name!r}; choose one of {', '.join(sorted(_BY_NAME))}.")
    if value not in quirk.values:
        raise QuirkError(f"Quirk {name!r} cannot be {value!r}; choose one of {', '.join(quirk.values)}.")
