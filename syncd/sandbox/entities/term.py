"""Term (API reference, Term): when an invoice is due."""

from syncd.sandbox import faults, lists
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json


def _rules(write: Write) -> None:
    lists.settle_name(write)
    days, day = write.draft.get("DueDays"), write.draft.get("DayOfMonthDue")
    if days is None and day is None:
        raise faults.required("DueDays")
    write.draft["Type"] = "STANDARD" if days is not None else "DATE_DRIVEN"


def _seeds(_company: Company) -> list[dict[str, Json]]:
    terms = (("Due on receipt", 0), ("Net 15", 15), ("Net 30", 30), ("Net 60", 60))
    return [{"Name": name, "Active": True, "Type": "STANDARD", "DueDays": days} for name, days in terms]


ENTITY = Entity(
    name="Term",
    space="Terms",
    name_list=True,
    rules=_rules,
    show=lists.show_name,
    seeds=_seeds,
    fields=(
        Field("Name", "name", 31, keep=True, query="sort", indexed=True),
        Field("Active", "bool", default=True, query="sort"),
        Field("Type", read_only=True, query="sort"),
        Field("DueDays", "integer", query="sort"),
        Field("DayOfMonthDue", "integer", query="sort"),
        Field("DueNextMonthDays", "integer"),
        Field("DiscountPercent", "number"),
        Field("DiscountDays", "integer"),
        Field("DiscountDayOfMonth", "integer"),
    ),
    accepted=words("AttachableRef CustomField IntuitId SalesTermEx status"),
)
