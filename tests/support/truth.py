"""The invariant of every fault: QuickBooks equals SIP, nothing twice, nothing lost, and the log says what happened.

Read from SIP's table, the sandbox's objects and its journal; of syncd's own tables only the log is believed.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from tests.support.database import Database
    from tests.support.processes import Sandbox

FIELDS = {
    "email": ("PrimaryEmailAddr", "Address"),
    "phone": ("PrimaryPhone", "FreeFormNumber"),
    "street": ("BillAddr", "Line1"),
    "city": ("BillAddr", "City"),
    "state": ("BillAddr", "CountrySubDivisionCode"),
    "zip": ("BillAddr", "PostalCode"),
}


def qbo_equals_sip(
    database: Database,
    sandbox: Sandbox,
    realms: Mapping[str, str],
    *,
    not_there: Collection[str] = (),
    also_there: Collection[str] = (),
) -> None:
    """Each customer of these companies is in its realm once, field by field. `not_there` are names in SIP that must
    not have arrived, `also_there` names of QuickBooks' own that must have been left alone.
    """
    for company, realm in realms.items():
        expected = {
            name: {"name": name, **{field: value or "" for field, value in zip(FIELDS, fields, strict=True)}}
            for name, *fields in database.rows(
                "select name, email, phone, street, city, state, zip from sip.customers"
                " where organization_id = %s and deleted_at is null",
                (company,),
            )
            if name not in not_there
        }
        objects = [o for o in sandbox.objects(realm) if o["DisplayName"] not in also_there]
        twice = [name for name, count in Counter(o["DisplayName"] for o in objects).items() if count > 1]
        assert not twice, f"company {company}: twice in QuickBooks: {twice}"
        found = {o["DisplayName"]: _fields(o) for o in objects}
        assert found == expected, f"company {company}"
        _nothing_done_twice(sandbox, realm, len(objects) + len(also_there))
        _log_says_so(database, company, realm, sandbox, expected)


def effects(sandbox: Sandbox, realm: str) -> list[dict[str, Any]]:
    """The writes that changed something, whether or not the answer arrived."""
    return [w for w in sandbox.writes(realm) if w["outcome"] == "executed" and w["object_id"]]


def _fields(found: dict[str, Any]) -> dict[str, str]:
    return {
        "name": found["DisplayName"],
        **{field: found.get(part, {}).get(key, "") for field, (part, key) in FIELDS.items()},
    }


def _nothing_done_twice(sandbox: Sandbox, realm: str, objects: int) -> None:
    done = effects(sandbox, realm)
    ids = Counter(w["requestid"] for w in done if w["requestid"])
    assert not [id_ for id_, count in ids.items() if count > 1], (
        f"realm {realm}: a write was carried out twice"
    )
    assert len({w["object_id"] for w in done if w["entity"] == "Customer"}) <= objects


def _log_says_so(
    database: Database, company: str, realm: str, sandbox: Sandbox, expected: Collection[str]
) -> None:
    """The last row of what is there says success, under the name it has now; each request id was really sent."""
    last = database.rows(
        "select distinct on (entity_type, entity_id) entity_name, status::text, error from syncd.sync_log"
        " where company_id = %s order by entity_type, entity_id, log_id desc",
        (company,),
    )
    said = {name for name, status, _ in last if status == "success"}
    assert said >= set(expected), (
        f"company {company}: no success in the log of {set(expected) - said}: {last}"
    )
    sent = {w["requestid"] for w in sandbox.writes(realm)}
    claimed = database.rows(
        "select request_id from syncd.sync_log where company_id = %s and status = 'success'", (company,)
    )
    assert {id_ for (id_,) in claimed} <= sent
