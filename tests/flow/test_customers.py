"""A customer's way from SIP to QBO, as SIP's documentation promises it. One daemon serves all; each test has a
company of its own. The numbers in the names are those of the checklist of user-visible behaviour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.company import Company
from tests.support.processes import until

if TYPE_CHECKING:
    from tests.flow.conftest import World


@pytest.fixture
def quiet(running: World) -> Company:
    """A connected company with everything off."""
    return Company(running, ready=False)


def test_07_a_new_customer_is_pushed(company: Company) -> None:
    company.sip.customer(
        "Ann Lee",
        email="ann@example.com",
        phone="303 555 0142",
        street="1 Main St",
        city="Denver",
        state="CO",
        zip="80202",
        notes="Key under the mat",
    )
    company.settle()
    [customer] = company.objects("Customer")
    assert customer["DisplayName"] == "Ann Lee"
    assert customer["PrimaryEmailAddr"] == {"Address": "ann@example.com"}
    assert customer["PrimaryPhone"] == {"FreeFormNumber": "303 555 0142"}
    address = {
        key: customer["BillAddr"][key] for key in ("Line1", "City", "CountrySubDivisionCode", "PostalCode")
    }
    assert list(address.values()) == ["1 Main St", "Denver", "CO", "80202"]
    assert not {"Notes", "GivenName", "FamilyName", "ShipAddr"} & customer.keys()
    assert company.log() == [("Customer", "Ann Lee", "Push", "Success", None)]


@pytest.mark.parametrize(
    ("column", "value", "path"),
    [
        ("name", "Ann Lee-Wong", ("DisplayName",)),
        ("email", "new@example.com", ("PrimaryEmailAddr", "Address")),
        ("phone", "720 555 0199", ("PrimaryPhone", "FreeFormNumber")),
        ("city", "Boulder", ("BillAddr", "City")),
    ],
    ids=["08 name", "09 email", "10 phone", "11 address"],
)
def test_a_change_updates_the_same_customer(
    company: Company, column: str, value: str, path: tuple[str, ...]
) -> None:
    id_ = company.sip.customer("Ann Lee", email="ann@example.com", phone="303 555 0142", city="Denver")
    company.settle()
    [before] = company.objects("Customer")
    company.sip.update("customers", id_, **{column: value})
    company.settle()
    [after] = company.objects("Customer")
    assert after["Id"] == before["Id"]
    found: Any = after
    for step in path:
        found = found[step]
    assert found == value


def test_what_is_removed_in_sip_is_removed_in_qbo(company: Company) -> None:
    id_ = company.sip.customer(
        "Ann Lee", email="ann@example.com", phone="303 555 0142", street="1 Main St", city="Denver"
    )
    company.settle()
    company.sip.update("customers", id_, email=None, phone="", street=None)
    company.settle()
    [customer] = company.objects("Customer")
    assert not customer.get("PrimaryEmailAddr", {}).get("Address")
    assert not customer.get("PrimaryPhone", {}).get("FreeFormNumber")
    assert not customer["BillAddr"].get("Line1")
    assert customer["BillAddr"]["City"] == "Denver"


def test_12_notes_and_the_unsubscribed_flag_cause_no_call(company: Company) -> None:
    id_ = company.sip.customer("Ann Lee")
    company.settle()
    calls = len(company.world.sandbox.writes(company.realm))
    company.sip.update("customers", id_, notes="Dog", email_unsubscribed=True, updated_at="2026-03-01")
    company.sip.customer("Marker")
    company.settle()
    assert len(company.world.sandbox.writes(company.realm)) == calls + 1


def test_13_updates_in_a_row_yield_one_customer_with_the_last_values(company: Company) -> None:
    id_ = company.sip.customer("Ann")
    for number in range(20):
        company.sip.update("customers", id_, name=f"Ann {number}")
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann 19"]


def test_14_two_customers_of_one_name_are_explained_and_never_merged(company: Company) -> None:
    company.sip.customer("Ann Lee", phone="1")
    company.settle()
    second = company.sip.customer("ann lee", phone="2")
    company.settle()
    assert [o["PrimaryPhone"]["FreeFormNumber"] for o in company.objects("Customer")] == ["1"]
    *_, (_, name, _, status, error) = company.log()
    assert (name, status) == ("ann lee", "Error")
    assert 'SIP has two customers that QuickBooks cannot tell apart by name: "ann lee" and "Ann Lee"' in error
    company.sip.update("customers", second, name="Ann Lee of Boise")
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee", "Ann Lee of Boise"]


def test_14_a_name_that_a_vendor_has_is_explained_and_a_retry_sends_it(company: Company) -> None:
    vendor = company.world.sandbox.post(company.realm, "vendor", {"DisplayName": "Ann Lee"})["Vendor"]
    id_ = company.sip.customer("Ann Lee")
    company.settle()
    assert company.objects("Customer") == []
    [(_, _, _, status, error)] = company.log()
    assert status == "Error"
    assert error == (
        'QuickBooks already has a vendor named "Ann Lee". Rename the customer in SIP or the vendor in QuickBooks,'
        f" then run: syncd retry {company.id} customer {id_}"
    )
    company.edit("Vendor", vendor["Id"], DisplayName="Ann Lee Supplies")
    company.world.syncd("retry", company.id, "customer", id_)
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('O\'Brien & Søn "GmbH"', 'O\'Brien & Søn "GmbH"'),
        ("Acme: West", "Acme -  West"),
        ("Tab\tand\nnewline", "Tab and newline"),
        ("  Blanks around  ", "Blanks around"),
        ("株式会社 山田", "株式会社 山田"),
        ("100% \\ back'slash", "100% \\ back'slash"),
        ("{brace} [bracket] <b>", "{brace} [bracket] <b>"),
    ],
)
def test_an_odd_name_arrives_as_qbo_can_take_it(company: Company, name: str, sent: str) -> None:
    id_ = company.sip.customer(name)
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == [sent]
    company.sip.update("customers", id_, phone="5")
    company.settle()
    assert [row[3] for row in company.log()] == ["Success", "Success"]


def test_an_invalid_email_is_left_out_and_a_note_says_so(company: Company) -> None:
    company.sip.customer("Ann Lee", email="nobody", phone="3" * 40)
    company.settle()
    [customer] = company.objects("Customer")
    assert not {"PrimaryEmailAddr", "PrimaryPhone"} & customer.keys()
    [(status, note)] = company.world.database.rows(
        "select status::text, note from syncd.sync_log where company_id = %s", (company.id,)
    )
    assert status == "success"
    assert "e-mail" in note
    assert "phone" in note


def test_a_name_that_is_too_long_is_refused_and_the_others_pass(company: Company) -> None:
    company.sip.customer("x" * 501)
    company.sip.customer("Ann Lee")
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]
    [error] = [row[4] for row in company.log() if row[3] == "Error"]
    assert "QuickBooks takes at most 500" in error


def test_01_with_enable_sync_off_nothing_goes_out(quiet: Company) -> None:
    quiet.world.database.switch(quiet.id, auto_customers=True)
    quiet.sip.customer("Ann")
    until(lambda: quiet.world.at_rest())
    assert quiet.world.sandbox.writes(quiet.realm) == []
    assert quiet.log() == []


def test_03_06_a_toggle_off_sends_nothing_and_switching_on_sends_nothing_retroactively(
    quiet: Company,
) -> None:
    quiet.world.syncd("settings", "set", quiet.id, "enable-sync", "on")
    quiet.sip.customer("Before")
    until(lambda: quiet.world.at_rest())
    quiet.world.syncd("settings", "set", quiet.id, "customers", "on")
    quiet.sip.customer("After")
    quiet.settle()
    assert [o["DisplayName"] for o in quiet.objects("Customer")] == ["After"]


def test_a_bulk_update_of_many_rows_arrives_row_by_row(company: Company) -> None:
    for number in range(8):
        company.sip.customer(f"Customer {number}")
    company.settle()
    company.world.database.execute(
        "update sip.customers set city = 'Boise' where organization_id = %s", (company.id,)
    )
    company.settle()
    assert [o["BillAddr"]["City"] for o in company.objects("Customer")] == ["Boise"] * 8


def test_what_sip_rolls_back_never_arrives(company: Company) -> None:
    with company.world.database.connection.transaction(force_rollback=True):
        company.sip.customer("Never")
    company.sip.customer("Marker")
    company.settle()
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Marker"]
    assert len(company.world.sandbox.writes(company.realm)) == 1


def test_a_customer_deleted_after_sync_diverges_visibly(company: Company) -> None:
    id_ = company.sip.customer("Ann Lee")
    company.settle()
    company.sip.update("customers", id_, deleted_at="2026-03-01")
    company.settle()
    assert [o["Active"] for o in company.objects("Customer")] == [True]
    *_, (_, name, _, status, error) = company.log()
    assert (name, status) == ("Ann Lee", "Error")
    assert "QuickBooks keeps it as it was" in error
