"""Time that is billed by being linked from an invoice."""

from syncd.sandbox import faults
from syncd.sandbox.entity import Change, Write
from syncd.sandbox.money import identifier
from syncd.sandbox.store import Stored
from syncd.sandbox.wire import Json

KIND = "TimeActivity"


def settle_links(write: Write) -> None:
    """LinkedTxn of an invoice: a client links time activities, everything else is QuickBooks' own."""
    old = {str(link["TxnId"]) for link in _links(write.before)}
    kept: list[Json] = []
    given = write.draft.get("LinkedTxn")
    for link in given if isinstance(given, list) else ():
        kind = link.get("TxnType") if isinstance(link, dict) else None
        if not isinstance(link, dict) or kind == "Payment":
            continue
        if kind != KIND:
            raise faults.not_linkable(f"TxnType {kind}")
        key = str(link.get("TxnId", ""))
        if key not in old:
            _refuse_unbillable(write, key)
        kept.append({"TxnId": key, "TxnType": KIND})
    write.draft["LinkedTxn"] = kept


def _refuse_unbillable(write: Write, key: str) -> None:
    activity = write.company.get(KIND, key)
    if activity is None:
        raise faults.bad_reference("TimeActivity", key)
    billable = activity.body["BillableStatus"] == "Billable"
    if not billable or identifier(activity.body.get("CustomerRef")) != identifier(write.draft["CustomerRef"]):
        raise faults.not_linkable(f"Time activity {key} is not billable to this customer.")


def invoice_changed(change: Change) -> None:
    """Time is billed while an invoice links it, and billable again after."""
    before = {str(link["TxnId"]) for link in _links(change.before)}
    after = {str(link["TxnId"]) for link in _links(change.after)}
    for key in before ^ after:
        old = change.company.objects[KIND].get(key)
        if old is not None:
            body = {**old.body, "BillableStatus": "HasBeenBilled" if key in after else "Billable"}
            new = Stored(KIND, key, old.token + 1, old.created, change.now, body)
            change.company.put(new, change.entities[KIND].indexed)


def _links(invoice: Stored | None) -> list[dict[str, Json]]:
    links = invoice.body.get("LinkedTxn") if invoice else None
    found = [link for link in links if isinstance(link, dict)] if isinstance(links, list) else []
    return [link for link in found if link["TxnType"] == KIND]
