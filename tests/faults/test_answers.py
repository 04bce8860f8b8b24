"""Answers that never come, come late, or are nonsense: the outcome is unknown, and found out before anything else."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.processes import PATIENT
from tests.support.truth import effects

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.faults.conftest import Town
    from tests.support.proxy import Passage, Proxy

# For what hangs: some of the others may then take too long as well, on a busy machine.
IMPATIENT = {"SYNCD_HTTP_TIMEOUT_SECONDS": "1"}
TROUBLE: dict[str, dict[str, Any]] = {
    "answer dropped": {"kind": "drop-after"},
    "request dropped": {"kind": "drop-before"},
    "timeout, not carried out": {"kind": "hang", "seconds": 3},
    "timeout, carried out": {"kind": "hang", "seconds": 3, "when": "after"},
    "500 for nothing": {"kind": "fault"},
    "500 although done": {"kind": "fault", "when": "after"},
    "a proxy's 503 although done": {"kind": "html", "status": 503, "when": "after"},
    "dropped twice": {"kind": "drop-after", "times": 2},
    "lost for long": {"kind": "drop-after", "times": 6},
}


@pytest.mark.parametrize(
    ("failed", "memory"),
    [
        ("remember", "1h"),
        ("forget", "none"),
        *(
            pytest.param(*both, marks=pytest.mark.slow)
            for both in itertools.product(["remember", "forget"], ["none", "1h", "forever"])
            if both not in {("remember", "1h"), ("forget", "none")}
        ),
    ],
)
def test_whatever_becomes_of_an_answer_the_record_is_there_once(town: Town, failed: str, memory: str) -> None:
    town.sandbox.tell("quirks", **{"failed-replay": failed, "replay-memory": memory})
    creates = {str(number): trouble for number, trouble in enumerate(TROUBLE.values(), start=1)}
    updates = {str(number): trouble for number, trouble in enumerate(TROUBLE.values(), start=101)}
    ids = {}
    for company in creates | updates:
        town.connect(company)
    for company in updates:
        ids[company] = town.database.add_customer("Ann", company, email="ann@x.com", city="Reno")
    town.world.daemon(IMPATIENT)
    town.settle()
    for company, trouble in (creates | updates).items():
        town.order(town.realms[company], **trouble)
    for company in creates:
        town.database.add_customer("Bob", company, phone="555 0100")
    for id_ in ids.values():
        # A field changed, one removed, one added.
        town.database.execute(
            "update sip.customers set email = 'a@y.com', city = null, phone = '555 0199' where id = %s",
            (id_,),
        )
    town.settle()
    town.check()


def _edited(town: Town, company: str, id_: str) -> None:
    town.database.execute("update sip.customers set email = 'new@x.com' where id = %s", (id_,))


def _renamed(town: Town, company: str, id_: str) -> None:
    town.database.execute("update sip.customers set name = 'Anna' where id = %s", (id_,))


def _deleted(town: Town, company: str, id_: str) -> None:
    town.database.execute("update sip.customers set deleted_at = now() where id = %s", (id_,))


def _switched_off(town: Town, company: str, id_: str) -> None:
    town.database.switch(company, auto_customers=False)


def _all_off(town: Town, company: str, id_: str) -> None:
    town.database.switch(company, enable_sync=False)


def _reconnected(town: Town, company: str, id_: str) -> None:
    town.reconnect(company, town.realms[company])


CHANGES = (_edited, _renamed, _deleted, _switched_off, _all_off, _reconnected)


@pytest.mark.parametrize(
    ("trouble", "memory"),
    [
        ("drop-after", "none"),
        ("drop-before", "1h"),
        pytest.param("drop-after", "1h", marks=pytest.mark.slow),
        pytest.param("drop-before", "none", marks=pytest.mark.slow),
    ],
)
def test_what_changes_while_an_outcome_is_unknown_waits_until_it_is_settled(
    town: Town, memory: str, trouble: str
) -> None:
    town.sandbox.tell("quirks", **{"replay-memory": memory})
    ids = {}
    for number, _change in enumerate(CHANGES, start=1):
        town.order(town.connect(str(number)), trouble, times=0)
        ids[str(number)] = town.database.add_customer("Ann", str(number), email="ann@x.com")
    daemon = town.world.daemon()
    town.wait(
        lambda: town.database.value("select count(*) from syncd.job where state = 'unknown'") == len(CHANGES)
    )
    town.kill(daemon)
    # On a busy machine some were sent so often by now that QuickBooks would be asked for the record instead.
    town.database.execute("update syncd.call set sends = 1")
    first = {c: town.sandbox.writes(realm)[0]["requestid"] for c, realm in town.realms.items()}
    before = {c: len(town.sandbox.writes(realm)) for c, realm in town.realms.items()}
    for change, company in zip(CHANGES, ids, strict=True):
        change(town, company, ids[company])
    town.no_more_faults()
    daemon.start()
    off = str(CHANGES.index(_all_off) + 1)

    def settled() -> bool:
        town.hurry()
        return town.world.at_rest() or {c for c, _, state, _ in town.jobs() if state != "diverged"} == {off}

    town.wait(settled, f"{town.jobs()}")
    assert town.states(off) == ["unknown"], "while Enable Sync is off nothing is sent, and nothing forgotten"
    assert len(town.sandbox.writes(town.realms[off])) == before[off]
    town.database.switch(off, enable_sync=True)
    town.settle()
    deleted = str(CHANGES.index(_deleted) + 1)
    assert town.states(deleted) == ["diverged"]
    assert [o["DisplayName"] for o in town.sandbox.objects(town.realms.pop(deleted))] == ["Ann"]
    town.check()
    for company, realm in town.realms.items():
        again = town.sandbox.writes(realm)[before[company]]
        assert again["requestid"] == first[company], f"company {company}: the open call was not settled first"


def test_an_unknown_call_of_a_former_realm_is_closed_and_said(town: Town) -> None:
    former = town.connect()
    town.order(former, "drop-after", times=0)
    town.database.add_customer("Ann")
    daemon = town.world.daemon()
    town.wait(lambda: town.states() == ["unknown"])
    town.kill(daemon)
    sent = len(town.sandbox.writes(former))
    town.connect()
    daemon.start()
    town.settle()
    town.check()
    assert len(town.sandbox.writes(former)) == sent
    assert any("former QuickBooks company" in error for error in town.errors())


def test_another_realm_while_a_call_is_in_flight(town: Town) -> None:
    """What was sent to the one is never noted for the other."""
    former = town.connect()
    held = town.order(former, "hold")
    town.world.daemon(PATIENT)
    town.database.add_customer("Ann")
    town.wait(lambda: town.sandbox.writes(former))
    town.connect()
    town.release(held)
    town.settle()
    town.check()
    assert len(effects(town.sandbox, former)) <= 1
    assert town.database.rows("select realm_id from syncd.link where qbo_id is not null") == [
        (town.realms["1"],)
    ]


def _half(passage: Passage) -> bytes | None:
    return None


def _list(passage: Passage) -> bytes:
    return b"[1, 2]"


def _empty(passage: Passage) -> bytes:
    return b""


def _no_id(passage: Passage) -> bytes:
    return b'{"Customer": {"DisplayName": "Ann"}, "time": "x"}'


def _no_token(passage: Passage) -> bytes:
    answer = json.loads(passage.body)
    answer.get("Customer", {}).pop("SyncToken", None)
    return json.dumps(answer).encode()


NONSENSE: tuple[Callable[[Passage], bytes | None], ...] = (_half, _list, _empty, _no_id, _no_token)


def test_nonsense_is_no_answer(town: Town, proxy: Proxy) -> None:
    """A company for each kind of nonsense, three times for its create and twice for its update."""
    kinds = {town.connect(str(number)): bent for number, bent in enumerate(NONSENSE, start=1)}
    left = dict.fromkeys(kinds, 3)

    def bend(passage: Passage) -> bytes | None:
        realm = passage.path.split("/")[3]
        if not passage.is_write() or not left[realm]:
            return passage.body
        left[realm] -= 1
        return kinds[realm](passage)

    proxy.bend = bend
    town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    for company in town.realms:
        town.database.add_customer("Ann", company, email="ann@x.com")
    town.settle()
    assert set(left.values()) == {0}
    left.update(dict.fromkeys(left, 2))
    town.database.execute("update sip.customers set phone = '555 0100'")
    town.settle()
    town.check()
    assert set(left.values()) == {0}
    for company, realm in town.realms.items():
        assert len(effects(town.sandbox, realm)) == 2
        assert all("None" not in error for error in town.errors(company))


def test_a_fault_in_lower_case_is_a_fault(town: Town, proxy: Proxy) -> None:
    town.connect()
    fault = (
        b'{"fault": {"error": [{"message": "Nom en double", "detail": "x", "code": "2040"}], "type": "V"}}'
    )
    proxy.bend = lambda passage: fault if passage.is_write() else passage.body
    town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    town.database.add_customer("Ann")
    town.wait(lambda: town.states() == ["error"])
    assert town.database.value("select count(*) from syncd.link where qbo_id is not null") == 0


def test_an_answer_that_our_code_cannot_read_does_not_stop_the_company(town: Town, proxy: Proxy) -> None:
    realm = town.connect()
    town.order(realm, "fault", times=0, when="after")
    bend = [True]

    def odd(passage: Passage) -> bytes:
        if not bend[0] or not passage.path.partition("?")[0].endswith("/query"):
            return passage.body
        answer = json.loads(passage.body)
        for found in answer["QueryResponse"].get("Customer", []):
            found["MetaData"] = {"CreateTime": "yesterday"}
        return json.dumps(answer).encode()

    proxy.bend = odd
    daemon = town.world.daemon({"SYNCD_QBO_SANDBOX_URL": proxy.url})
    town.database.add_customer("Ann")

    def unreadable() -> bool:
        town.hurry()
        return bool(daemon.events("an answer cannot be read"))

    town.wait(unreadable)
    town.no_more_faults()
    town.database.add_customer("Bob")
    town.wait(lambda: "Bob" in town.world.names(realm), "others pass")
    bend[0] = False
    town.settle()
    town.check()
