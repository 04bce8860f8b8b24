"""What an answer of QuickBooks means: the parser. The known codes are in `catalogue`.

Shapes follow Intuit's error handling pages, and what gateways in front of the API were seen to send: a Fault
also inside HTTP 200, keys in lower case, several errors in one array, HTML or nothing at all.

Decisions rest on codes. Message and Detail come in the language of the company's users; two texts only are
read, because their codes (6000, 5010) stand for several causes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from syncd.db.states import FaultClass
from syncd.qbo.catalogue import (
    CATALOGUE,
    CLOSED_PERIOD,
    NAME_LOCK,
    Entry,
    uncoded,
    uncoded_class,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = ["CATALOGUE", "Entry", "Fault", "decode", "parse", "parse_decoded", "parse_item"]

LONGEST_WAIT = 86_400.0  # seconds; a header must not silence a company for longer than a day
LONGEST_QUOTE = 300


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a call failed, as far as its answer tells.

    `code`: QuickBooks' code without leading zeros ("3001"), "" when the answer carried none.
    `message`, `detail`, `element`: as QuickBooks said them, perhaps localised, secrets removed.
    `executed`: False if QuickBooks surely did not do it, None if that is unknown (5xx, a proxy's page).
    `retry`: whether the same content may pass later; False if the same call can only fail again. For `auth`:
    False if a refreshed token cannot help and only reconnecting does.
    `retry_after`: seconds QuickBooks asked to wait, None when it named none.
    `others`: further errors of the same answer; this one decides.
    """

    code: str
    fault_class: FaultClass
    message: str
    detail: str
    element: str
    http_status: int
    executed: bool | None
    retry: bool
    retry_after: float | None
    others: tuple[Fault, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the record waits, without using an attempt, until somebody has acted in QuickBooks."""
        return _entry(self).holds

    def sentence(self, what: str) -> str:
        """For an admin: what happened to `what` (e.g. 'customer "Ann Lee"'), why, and the remedy."""
        entry = _entry(self)
        said = _quote(self) if entry.quote else ""
        cause = f"{entry.cause}{said}"
        more = "".join(
            f" QuickBooks also reports: {_entry(other).cause}{_quote(other)}." for other in self.others
        )
        return f"{_LEADS[self.fault_class].format(what=what)}: {cause}.{more} {entry.remedy}"


_LEADS = {
    FaultClass.RECORD: "QuickBooks refused {what}",
    FaultClass.VARIANCE: "QuickBooks took {what} otherwise than it was sent",
    FaultClass.PERIOD: "QuickBooks refused {what}",
    FaultClass.STALE: "QuickBooks did not change {what}",
    FaultClass.TRANSIENT: "QuickBooks could not take {what} just now",
    FaultClass.THROTTLE: "QuickBooks asks to wait with {what}",
    FaultClass.AUTH: "QuickBooks did not let syncd in to send {what}",
    FaultClass.COMPANY: "QuickBooks takes nothing for this company at present, {what} included",
}

# The one that decides what happens next comes first: the company outweighs the record.
_WEIGHT = {
    fault_class: weight
    for weight, fault_class in enumerate(
        (
            FaultClass.AUTH,
            FaultClass.COMPANY,
            FaultClass.THROTTLE,
            FaultClass.PERIOD,
            FaultClass.RECORD,
            FaultClass.STALE,
            FaultClass.VARIANCE,
            FaultClass.TRANSIENT,
        )
    )
}


def parse(status: int, headers: Mapping[str, str], body: bytes) -> Fault | None:
    """The fault of a whole HTTP answer, None if the answer is good.

    A good answer is a JSON object with status 2xx and no Fault in it. Faults of single batch items are not
    the answer's: see `parse_item`. `headers` may spell their names in any case.
    """
    return parse_decoded(status, headers, decode(body), body)


def parse_decoded(
    status: int, headers: Mapping[str, str], data: Mapping[str, Any] | None, body: bytes
) -> Fault | None:
    """`parse` for a body already decoded; `data` is None if it was no JSON object."""
    problems = list(_problems(data)) if data is not None else []
    if not problems:
        if data is not None and 200 <= status < 300:
            return None
        problems = [{"message": _describe(data, body)}]
    return _combined(problems, status, _retry_after(headers))


def parse_item(item: Mapping[str, Any], status: int = 200) -> Fault | None:
    """The fault of one entry of a BatchItemResponse (itself an object with bId), None if it has none."""
    problems = list(_problems(item))
    return _combined(problems, status, None) if problems else None


def decode(body: bytes) -> dict[str, Any] | None:
    """The JSON object of a body, every number as Decimal; None if the body is anything else."""
    try:
        data = json.loads(body, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError):
        return None
    return data if isinstance(data, dict) else None


def _no_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _problems(data: Any, depth: int = 6) -> Iterator[Mapping[str, Any]]:
    """Every error object below a Fault key, whatever the casing and the nesting."""
    if depth == 0:
        return
    if isinstance(data, list):
        for item in data:
            yield from _problems(item, depth - 1)
    elif isinstance(data, dict) and "Id" not in data:  # objects are large, and hold no Fault
        for key, value in data.items():
            if key.lower() == "fault" and isinstance(value, dict):
                yield from _errors(value)
            elif key != "BatchItemResponse":
                yield from _problems(value, depth - 1)


def _errors(fault: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    lowered = {key.lower(): value for key, value in fault.items()}
    errors = lowered.get("error")
    found = [error for error in (errors if isinstance(errors, list) else [errors]) if isinstance(error, dict)]
    for error in found or [{}]:
        yield {"type": lowered.get("type"), **{key.lower(): value for key, value in error.items()}}


def _combined(problems: list[Mapping[str, Any]], status: int, retry_after: float | None) -> Fault:
    found = [_fault(problem, status, retry_after) for problem in problems]
    found.sort(key=lambda fault: (_WEIGHT[fault.fault_class], fault.retry))
    first, *rest = found
    if not rest:
        return first
    executed = False if all(fault.executed is False for fault in found) else None
    return replace(first, executed=executed, others=tuple(rest))


def _fault(problem: Mapping[str, Any], status: int, retry_after: float | None) -> Fault:
    message, detail = _said(problem.get("message")), _said(problem.get("detail"))
    code = _code(problem.get("code"), message)
    kind = str(problem.get("type") or "")
    entry = _known(code, message, detail) or uncoded(
        uncoded_class(status, kind, by_quickbooks="type" in problem), status
    )
    return Fault(
        code=code,
        fault_class=entry.fault_class,
        message=message,
        detail=detail,
        element=_said(problem.get("element")),
        http_status=status,
        executed=False if entry.refusal else None,
        retry=entry.retry,
        retry_after=retry_after,
    )


def _known(code: str, message: str, detail: str) -> Entry | None:
    """The catalogue's entry; for two codes their English text tells the cause."""
    # What follows "Entity=" is a name someone gave, and may hold any words.
    text = f"{message} {detail.partition('Entity=')[0]}"
    if code == "6000" and "one name at a time" in text:
        return NAME_LOCK
    if code == "5010" and _PERIOD_CLOSED.search(text):
        return CLOSED_PERIOD
    return CATALOGUE.get(code)


def _entry(fault: Fault) -> Entry:
    return _known(fault.code, fault.message, fault.detail) or uncoded(fault.fault_class, fault.http_status)


_PERIOD_CLOSED = re.compile(
    r"\b(account|accounting) period\b.*\bclosed\b|\bbooks\b.*\bclosed\b", re.IGNORECASE
)


def _code(value: Any, message: str) -> str:
    text = _said(value)
    if not text and (found := re.search(r"errorCode=(\d+)", message)):
        # Gateways name the code inside a message that is no prose and never translated.
        text = found[1]
    return (text.lstrip("0") or "0") if text.isdigit() else text


def _said(value: Any) -> str:
    return "" if value is None else _redact(str(value)).strip()


_SECRETS = re.compile(
    r"(?i)\b(?:bearer|basic)\s+[a-z0-9._~+/=-]{16,}"
    r"|\beyJ[a-z0-9._-]{16,}"
    r"|\b(?:access_token|refresh_token|client_secret|authorization)\b[\"']?\s*[=:]\s*[\"']?[^\s\"'&,}]+"
)


def _redact(text: str) -> str:
    return _SECRETS.sub("[removed]", text)


def _quote(fault: Fault) -> str:
    said = fault.detail or fault.message
    if not said:
        return ""
    short = said if len(said) <= LONGEST_QUOTE else said[:LONGEST_QUOTE] + "…"
    if not fault.code:
        return f" (HTTP {fault.http_status}: {' '.join(short.split()).rstrip('.')})"
    return f' (QuickBooks says: "{" ".join(short.split()).rstrip(".")}")'


def _describe(data: Mapping[str, Any] | None, body: bytes) -> str:
    """What arrived instead of an answer: enough to recognise a proxy, no more."""
    if data is not None:
        return "an answer without a known error"
    if not body.strip():
        return "an empty answer"
    text = body[:4096].decode("utf-8", "replace")
    if re.search(r"<(!doctype|html|head|title)\b", text, re.IGNORECASE):
        title = re.search(r"<title[^>]*>(.*?)</title>", text, re.IGNORECASE | re.DOTALL)
        return f"a web page, {' '.join(_redact(title[1]).split())[:120]}" if title else "a web page"
    return "an answer that is not whole JSON"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    lowered = {key.lower(): value for key, value in headers.items()}
    value = lowered.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.replace(".", "", 1).isdigit():
        return min(float(value), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(value)
        # The server's own clock, where it shows it: ours may be off.
        asked = parsedate_to_datetime(lowered["date"]) if "date" in lowered else datetime.now(UTC)
        return min(max((until - asked).total_seconds(), 0.0), LONGEST_WAIT)
    except (ValueError, TypeError):
        return None
