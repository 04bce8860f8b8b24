"""Is QuickBooks equal to SIP? Every record of one type, field by field."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from syncd.demo.truth import Held, Wanted


@dataclass(slots=True)
class Tally:
    """How many records of a type SIP has, how many of them QuickBooks must have and does have unaltered, why the others
    must not be there, and a sentence for everything else.
    """

    kind: str
    in_sip: int = 0
    due: int = 0
    equal: int = 0
    held_back: Counter[str] = field(default_factory=Counter)
    differences: list[str] = field(default_factory=list)

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.kind,
            self.in_sip + other.in_sip,
            self.due + other.due,
            self.equal + other.equal,
            self.held_back + other.held_back,
            self.differences + other.differences,
        )


def compare(kind: str, business: str, wanted: Sequence[Wanted], held: Sequence[Held]) -> Tally:
    """`kind` is one record in words: "customer". `business` is whose records they are."""
    tally = Tally(kind, in_sip=len(wanted))
    unclaimed: dict[str, list[Held]] = {}
    for found in held:
        unclaimed.setdefault(found.place.casefold(), []).append(found)
    # Who must be there goes first: of two with one place the other is in the way.
    for record in sorted(wanted, key=lambda record: bool(record.why_not)):
        who = f'{kind.capitalize()} "{record.name}" ({record.key} of {business})'
        places = unclaimed.get(record.place.casefold(), [])
        if record.why_not:
            tally.held_back[record.why_not] += 1
        else:
            tally.due += 1
        if record.why_not and not record.stays:
            continue
        if not places:
            tally.differences.append(f"{who} is missing in QuickBooks.")
            continue
        differing = list(_differences(record, places.pop(0)))
        tally.differences += [f"{who}: {sentence}" for sentence in differing]
        tally.equal += not differing and not record.why_not
    tally.differences += [
        f'QuickBooks of {business} must not have this {kind}: "{found.place}".'
        for places in unclaimed.values()
        for found in places
    ]
    return tally


def _differences(record: Wanted, found: Held) -> Iterator[str]:
    for name in {**record.fields, **found.fields}:
        should, is_ = record.fields.get(name, ""), found.fields.get(name, "")
        if should != is_:
            yield f'{name} should be "{should}" and is "{is_}" in QuickBooks.'
