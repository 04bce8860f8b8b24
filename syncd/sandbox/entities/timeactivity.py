"""TimeActivity (API reference, TimeActivity; faults 6290 to 6390)."""

from datetime import datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from syncd.sandbox import faults, names, transactions
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.money import identifier, number
from syncd.sandbox.quirks import Quirks
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

MAX_HOURS = 8760
MAX_RATE = 99_999_999_999
_WORKERS = {"Employee": "EmployeeRef", "Vendor": "VendorRef", "Other": "OtherNameRef"}


def _rules(write: Write) -> None:
    _refuse_billed(write)
    _settle_worker(write)
    write.draft.setdefault("TxnDate", write.company.today(write.now).isoformat())
    _settle_time(write)
    _settle_billing(write)
    if "ItemRef" not in write.draft and (item := _default_item(write.company)):
        write.draft["ItemRef"] = {"value": item.id}


def _default_item(company: Company) -> Stored | None:
    """The item Hours, or else the oldest service."""
    services = [item for item in company.objects["Item"].values() if item.body["Type"] == "Service"]
    return next(iter(company.find("Item", "Name", "Hours") or services), None)


def _refuse_billed(write: Write) -> None:
    billed = write.before is not None and write.before.body["BillableStatus"] == "HasBeenBilled"
    if billed and write.quirks["billed-time"] == "refused":
        raise faults.business("This time activity has been billed. Remove it from the invoice first.")


def _settle_worker(write: Write) -> None:
    """Who worked: one reference, of the list NameOf says (2020, 6290, 6300, 2500).

    A name of another list is taken without a word, and answered as NameOf Other.
    """
    draft, company = write.draft, write.company
    kind = write.text("NameOf")
    if not kind:
        raise faults.required("NameOf")
    if "EmployeeRef" in draft and "VendorRef" in draft:
        raise _refused("6290", "Both EmployeeRef and VendorRef are given.")
    reference = draft.get(_WORKERS[kind])
    if reference is None:
        raise _refused("6300", f"NameOf is {kind}, but {_WORKERS[kind]} is missing.")
    for attribute in _WORKERS.values():
        draft.pop(attribute, None)
    found = [entity for entity in names.LISTS if company.get(entity, identifier(reference))]
    if not found:
        raise faults.bad_reference(names.SPACE, identifier(reference))
    worker = company.objects[found[0]][identifier(reference)]
    before = write.before.body.get(_WORKERS[str(write.before.body["NameOf"])]) if write.before else None
    if not worker.body["Active"] and reference != before:
        raise faults.bad_reference("", worker.id, inactive=True)
    kind = found[0] if found[0] in _WORKERS else "Other"
    draft["NameOf"] = kind
    draft[_WORKERS[kind]] = reference


def _refused(code: str, detail: str) -> faults.QboFaultError:
    return faults.validation(code, "Time Activity Error", f"Time Activity Error : {detail}")


def _settle_time(write: Write) -> None:
    """How long: hours and minutes, or a start and an end (6340, 6350, 6360, 6370, 6380, 6390)."""
    draft = write.draft
    span = "StartTime" in draft or "EndTime" in draft
    if write.sparse and write.before is not None:
        span = _forget_other_form(write, span=span)
    duration = "Hours" in draft or "Minutes" in draft
    if span and duration:
        raise _refused("6390", "Give either hours and minutes or a start and an end, not both.")
    if span:
        _settle_span(write)
    elif duration:
        _settle_duration(draft)
    else:
        raise _refused("6340", "Give hours and minutes, or a start and an end.")


def _forget_other_form(write: Write, *, span: bool) -> bool:
    """A sparse update that gives one form replaces the other that was stored."""
    gives_span = "StartTime" in write.given or "EndTime" in write.given
    gives_duration = "Hours" in write.given or "Minutes" in write.given
    if gives_span == gives_duration:
        return span
    for attribute in (
        ("Hours", "Minutes") if gives_span else ("StartTime", "EndTime", "BreakHours", "BreakMinutes")
    ):
        write.draft.pop(attribute, None)
    return gives_span


def _settle_duration(draft: dict[str, Json]) -> None:
    hours, minutes = (int(number(draft.setdefault(name, 0))) for name in ("Hours", "Minutes"))
    longest = 0 if hours == MAX_HOURS else 59
    if not (0 <= hours <= MAX_HOURS and 0 <= minutes <= longest and hours + minutes > 0):
        raise _refused("6380", f"{hours} hours and {minutes} minutes are out of range.")


def _settle_span(write: Write) -> None:
    """Start and end, as clock times on TxnDate where the company is, whatever date they came with."""
    draft = write.draft
    if "StartTime" not in draft or "EndTime" not in draft:
        raise _refused("6350", "Both StartTime and EndTime must be given.")
    start, end = (_clock(write, draft[name]) for name in ("StartTime", "EndTime"))
    if start >= end:
        raise _refused("6370", "StartTime must be before EndTime.")
    rest = timedelta(
        hours=int(number(draft.get("BreakHours"))), minutes=int(number(draft.get("BreakMinutes")))
    )
    if not timedelta(0) <= rest < end - start:
        raise _refused("6360", "The break must be shorter than the time worked.")
    draft["StartTime"], draft["EndTime"] = start.isoformat(), end.isoformat()


def _clock(write: Write, value: Json) -> datetime:
    text = str(value)
    zone = ZoneInfo(write.company.timezone)
    day = transactions.parse_date(write.draft["TxnDate"])
    if "T" in text:
        moment = datetime.fromisoformat(text)
        clock = moment.astimezone(zone).timetz() if moment.tzinfo else moment.time()
    else:
        clock = time.fromisoformat(text)
    return datetime.combine(day, clock.replace(tzinfo=None), zone)


def _settle_billing(write: Write) -> None:
    """Billable time needs a customer (6310) and a rate (6330); only an invoice makes it billed (2170)."""
    draft = write.draft
    given = write.given.get("BillableStatus")
    if given == "HasBeenBilled" and (write.before is None or write.before.body["BillableStatus"] != given):
        raise faults.validation(
            "2170", "Invalid Enumeration", "Invalid Enumeration : HAS_BEEN_BILLED", "BillableStatus"
        )
    for attribute in ("HourlyRate", "CostRate"):
        if not 0 <= number(draft.get(attribute)) <= MAX_RATE:
            raise _refused("6330", f"{attribute} is out of range.")
    draft.setdefault("HourlyRate", Decimal(0))
    if draft["BillableStatus"] != "NotBillable":
        if "CustomerRef" not in draft:
            raise _refused("6310", "Billable time needs a customer.")
        if not number(draft["HourlyRate"]):
            raise _refused("6330", "Billable time needs an hourly rate.")


def _show(company: Company, _stored: Stored, shown: dict[str, Json], _quirks: Quirks) -> None:
    for entity, attribute in (*_WORKERS.items(), ("Customer", "OtherNameRef")):
        reference = shown.get(attribute)
        worker = company.get(entity, identifier(reference)) if reference and entity != "Other" else None
        if worker is not None:
            shown[attribute] = {"value": worker.id, "name": worker.body["DisplayName"]}


ENTITY = Entity(
    name="TimeActivity",
    space="TimeActivities",
    rules=_rules,
    show=_show,
    deletable=True,
    refuse_delete=_refuse_billed,
    fields=(
        Field("NameOf", "enum", choices=tuple(_WORKERS)),
        Field("EmployeeRef", "ref"),
        Field("VendorRef", "ref"),
        Field("OtherNameRef", "ref"),
        Field("TxnDate", "date", query="sort", indexed=True),
        Field("CustomerRef", "ref", target="Customer"),
        Field("ItemRef", "ref", target="Item"),
        Field("ClassRef", "ref", target="Class"),
        Field("DepartmentRef", "ref", target="Department"),
        Field("Hours", "integer"),
        Field("Minutes", "integer"),
        Field("StartTime", "clock"),
        Field("EndTime", "clock"),
        Field("BreakHours", "integer"),
        Field("BreakMinutes", "integer"),
        Field(
            "BillableStatus",
            "enum",
            choices=("Billable", "NotBillable", "HasBeenBilled"),
            default="NotBillable",
            query="sort",
        ),
        Field("Taxable", "bool", default=False),
        Field("HourlyRate", "number"),
        Field("CostRate", "number"),
        Field("Description", limit=4000),
    ),
    accepted=words(
        "AttachableRef BreakSeconds CustomField IntuitId LinkedTxn PayrollItemRef PayTypeRef ProjectRef Seconds "
        "TimeActivityEx TimeChargeId TransactionLocationType V4IDPseudonym status"
    ),
)
