"""Names that QuickBooks has already: explained, never linked, never suffixed, never sent again blindly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.conftest import Town


def _vendor(town: Town, realm: str) -> dict[str, Any]:
    return town.in_qbo(realm, "vendor", DisplayName="Ann Lee")


def _employee(town: Town, realm: str) -> dict[str, Any]:
    return town.in_qbo(realm, "employee", GivenName="Ann", FamilyName="Lee")


def _customer(town: Town, realm: str) -> dict[str, Any]:
    return town.in_qbo(realm, "customer", DisplayName="Ann Lee")


def _inactive(town: Town, realm: str) -> dict[str, Any]:
    made = _customer(town, realm)
    return town.in_qbo(
        realm, "customer", Id=made["Id"], SyncToken=made["SyncToken"], sparse=True, Active=False
    )


HOLDERS = {"vendor": _vendor, "employee": _employee, "customer": _customer, "inactive": _inactive}


def test_a_taken_name_is_explained_and_released_by_a_rename_in_sip(town: Town) -> None:
    ids = {}
    for number, make in zip("1234", HOLDERS.values(), strict=True):
        make(town, town.connect(number))
        ids[number] = town.database.add_customer("Ann Lee", number)
    town.world.daemon()
    town.wait(lambda: [state for _, _, state, _ in town.jobs()] == ["error"] * 4, f"{town.jobs()}")
    for number, word in zip(ids, HOLDERS, strict=True):
        [error] = town.errors(number)
        assert word in error
        assert "Ann Lee" in error
        assert len([w for w in town.sandbox.writes(town.realms[number]) if w["requestid"]]) == 1
    assert town.database.rows("select next_attempt_at from syncd.sync_log") == [(None,)] * 4
    assert not town.database.value("select count(*) from syncd.link where qbo_id is not null")
    for id_ in ids.values():
        town.database.execute("update sip.customers set name = 'Ann Lee, Reno' where id = %s", (id_,))
    town.settle()
    town.check(also_there=("Ann Lee", "Ann Lee (deleted)"))


def test_retry_after_the_vendor_was_renamed_in_quickbooks(town: Town) -> None:
    realm = town.connect()
    vendor = _vendor(town, realm)
    id_ = town.database.add_customer("Ann Lee")
    town.world.daemon()
    town.wait(lambda: town.states() == ["error"])
    assert f"syncd retry 1 customer {id_}" in town.errors()[0]
    town.in_qbo(
        realm, "vendor", Id=vendor["Id"], SyncToken=vendor["SyncToken"], DisplayName="Ann Lee, vendor"
    )
    town.world.syncd("retry", "1", "customer", id_)
    town.settle()
    town.check()


def test_two_customers_of_one_name_are_not_made_one(town: Town) -> None:
    realm = town.connect()
    town.world.daemon()
    first = town.database.add_customer("Ann Lee", email="first@x.com")
    town.settle()
    second = town.database.add_customer("ann lee", email="second@x.com")
    town.wait(lambda: town.states() == ["error"])
    assert "SIP has two customers" in town.errors()[0]
    assert [o["PrimaryEmailAddr"]["Address"] for o in town.sandbox.objects(realm)] == ["first@x.com"]
    town.database.execute("update sip.customers set name = 'Ann Lee II' where id = %s", (second,))
    town.settle()
    town.check()
    assert town.database.value("select count(distinct qbo_id) from syncd.link") == 2
    assert first != second


def test_a_look_alike_made_by_a_person_before_our_create_is_never_ours(town: Town) -> None:
    """Equal in every field, but not made by the call whose answer was lost."""
    realm = town.connect()
    town.in_qbo(realm, "customer", DisplayName="Ann Lee")
    town.order(realm, "drop-before", times=0)
    town.database.add_customer("Ann Lee")
    town.world.daemon()
    town.wait(lambda: town.states() == ["unknown"])
    # As if our call had been made an hour after the person's.
    town.database.execute("update syncd.call set committed_at = committed_at + interval '1 hour'")
    town.no_more_faults()
    town.settle()
    assert town.states() == ["error"], town.jobs()
    assert not town.database.value("select count(*) from syncd.link where qbo_id is not null")


def test_faults_in_other_clothes(town: Town) -> None:
    """200 with a fault, another language, quirky casing: a fault, a sentence, no link, and the next record passes."""
    town.connect("1")
    town.order(
        town.realms["1"], "fault-200", code="2040", message="Chaîne non valide", detail="Caractère interdit"
    )
    town.connect("2")
    town.order(town.realms["2"], "fault", code="6240", message="Le nom existe déjà", detail="Nom en double")
    town.connect("3")
    town.order(town.realms["3"], "fault", code="99999", message="Neuer Fehler", detail="Unbekannt")
    for company in town.realms:
        town.database.add_customer("Ann", company)
    town.world.daemon()
    town.wait(lambda: all(town.errors(company) for company in town.realms))
    for company in town.realms:
        town.database.add_customer("Bob", company)
    town.wait(
        lambda: all("Bob" in town.world.names(realm) for realm in town.realms.values()), f"{town.jobs()}"
    )
    # QuickBooks has Bob a moment before his answer is recorded.
    town.wait(lambda: town.states("1") == town.states("2") == ["error"], "only Ann is left, as an error")
    assert "Caractère interdit" in town.errors("1")[0]
    town.check(not_there=("Ann",))


def test_a_fault_of_a_whole_batch_is_no_record_s_fault(town: Town) -> None:
    """QuickBooks cannot say which record it means: each goes alone, at once, and none has used an attempt."""
    realm = town.connect()
    town.order(realm, "fault", code="2040", message="Invalid string", detail="Somewhere in there")
    for number in range(5):
        town.database.add_customer(f"Customer {number}")
    town.world.daemon()
    town.settle()
    town.check()
    assert [w["entity"] for w in town.sandbox.writes(realm)] == ["batch", *["Customer"] * 5]
    assert town.errors() == []


def test_a_clash_in_a_batch_is_that_record_s_alone(town: Town) -> None:
    realm = town.connect()
    for name in ("Ann", "ann", "Bob"):
        town.database.add_customer(name)
    town.world.daemon()
    town.wait(lambda: town.states() == ["error"])
    assert sorted(town.world.names(realm)) in (["Ann", "Bob"], ["Bob", "ann"])
    [error] = town.errors()
    assert "cannot tell apart" in error
    assert [w["items"] for w in town.sandbox.writes(realm)] == [3]
