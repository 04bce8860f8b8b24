"""Creating and updating: lengths, characters, names, full and sparse updates."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .server import Company, Sandbox

LENGTHS = [
    ("DisplayName", 500),
    ("Title", 16),
    ("Suffix", 16),
    ("GivenName", 100),
    ("MiddleName", 100),
    ("FamilyName", 100),
    ("CompanyName", 100),
    ("PrintOnCheckName", 110),
    ("Notes", 2000),
    ("ResaleNum", 16),
    ("PrimaryPhone.FreeFormNumber", 30),
    ("AlternatePhone.FreeFormNumber", 30),
    ("Mobile.FreeFormNumber", 30),
    ("Fax.FreeFormNumber", 30),
    ("BillAddr.Line1", 500),
    ("BillAddr.City", 255),
    ("ShipAddr.PostalCode", 30),
]


def body_with(path: str, value: str) -> dict[str, Any]:
    outer, _, inner = path.partition(".")
    return {"DisplayName": "Name", outer: {inner: value} if inner else value}


@pytest.mark.parametrize(("path", "limit"), LENGTHS)
def test_text_may_be_as_long_as_documented_and_no_longer(company: Company, path: str, limit: int) -> None:
    error = company.refused("Customer", **body_with(path, "x" * (limit + 1)))
    assert error["code"] == "2050"
    assert error["Detail"] == (
        "String length specified does not match the supported length. "
        f"Min:0 Max:{limit} supported. Supplied length:{limit + 1}"
    )
    assert error["element"] == path
    company.save("Customer", **body_with(path, "x" * limit))


def test_address_lines_together_are_limited(company: Company) -> None:
    lines = {f"Line{number}": "x" * 401 for number in range(1, 6)}
    error = company.refused("Customer", DisplayName="A", BillAddr=lines)
    assert "Max:2000 supported. Supplied length:2005" in error["Detail"]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=24))
def test_any_title_is_stored_trimmed_or_refused_for_a_reason(company: Company, title: str) -> None:
    answer = company.post("customer", {"DisplayName": f"C{len(company.objects('Customer'))}", "Title": title})
    units = len(title.encode("utf-16-le")) // 2
    if answer.status_code == 200:
        assert units <= 16
        assert answer.json()["Customer"].get("Title", "") == title.strip()
    else:
        code = answer.json()["Fault"]["Error"][0]["code"]
        assert code == ("2050" if units > 16 else "2040")


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=9),
)
ANY_JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2),
        st.dictionaries(
            st.sampled_from(["value", "name", "Address", "Line1", "URI", "Id"]), inner, max_size=3
        ),
    ),
    max_leaves=5,
)
ATTRIBUTES = [
    "Id",
    "SyncToken",
    "sparse",
    "Active",
    "Job",
    "ParentRef",
    "Balance",
    "CurrencyRef",
    "DisplayName",
]
ATTRIBUTES += [
    "BillAddr",
    "PrimaryPhone",
    "PrimaryEmailAddr",
    "WebAddr",
    "OpenBalanceDate",
    "Notes",
    "SalesTermRef",
]
ATTRIBUTES += [
    "PreferredDeliveryMethod",
    "TaxExemptionReasonId",
    "PrimaryTaxIdentifier",
    "MetaData",
    "GivenName",
]
ATTRIBUTES += ["SalesFormsPrefs", "CompanyAddr", "CompanyName", "GivenName", "SSN", "BillRate", "TermRef"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["customer", "vendor", "employee", "preferences", "companyinfo"]),
    st.dictionaries(st.sampled_from(ATTRIBUTES), ANY_JSON, max_size=5),
)
def test_no_body_brings_the_server_down(company: Company, entity: str, body: dict[str, Any]) -> None:
    answer = company.post(entity, body)
    if answer.status_code != 200:
        fault = answer.json()["Fault"]
        assert answer.status_code == 400 or fault["Error"][0]["code"] == "10000"
        assert fault["Error"][0]["Detail"]


@pytest.mark.parametrize("character", [":", "\t", "\n", "\x00"])
@pytest.mark.parametrize("field", ["DisplayName", "GivenName", "PrintOnCheckName"])
def test_names_refuse_colon_tab_and_newline(company: Company, field: str, character: str) -> None:
    body = {"DisplayName": "Name", field: f"a{character}b"}
    assert company.refused("Customer", **body)["code"] == "2040"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "6080"),
        ({"CompanyName": "Only a company"}, "6080"),
        ({"DisplayName": "  "}, "6080"),
        ({"DisplayName": "A", "Colour": "red"}, "2010"),
        ({"DisplayName": "A", "displayname": "B"}, "2010"),
        ({"DisplayName": "A", "BillAddr": {"Street": "x"}}, "2010"),
        ({"DisplayName": {"value": "A"}}, "2010"),
        ({"DisplayName": "A", "Active": "maybe"}, "2010"),
        ({"DisplayName": "A", "Balance": "12,50"}, "2010"),
        ({"DisplayName": "A", "Balance": 1e300}, "2090"),
        ({"DisplayName": "A", "PrimaryEmailAddr": {"Address": "nobody"}}, "2210"),
        ({"DisplayName": "A", "PrimaryEmailAddr": {"Address": "a@b"}}, "2210"),
        ({"DisplayName": "A", "WebAddr": {"URI": "no address"}}, "2200"),
        ({"DisplayName": "A", "PreferredDeliveryMethod": "Pigeon"}, "2170"),
        ({"DisplayName": "A", "OpenBalanceDate": "01/02/2026"}, "2060"),
        ({"DisplayName": "A", "SalesTermRef": {"value": "7"}}, "2500"),
        ({"DisplayName": "A", "CurrencyRef": {"value": "EUR"}}, "6000"),
        ({"DisplayName": "A", "Job": True}, "6150"),
        ({"Id": "77", "SyncToken": "0", "DisplayName": "A"}, "610"),
        ({"Id": "x", "SyncToken": "0", "DisplayName": "A"}, "2030"),
    ],
)
def test_what_a_customer_may_not_be(company: Company, body: dict[str, Any], code: str) -> None:
    assert company.refused("Customer", **body)["code"] == code
    assert company.objects("Customer") == []


def test_empty_and_read_only_attributes_of_a_client_are_ignored(company: Company) -> None:
    made = company.save(
        "Customer",
        DisplayName="A",
        Title="",
        OpenBalanceDate="",
        Notes=None,
        SyncToken=0,
        FullyQualifiedName="Other",
        BalanceWithJobs=99,
        MetaData={"CreateTime": "2001-01-01"},
        BillAddr={"Line1": "", "Lat": "", "Id": None},
        domain="QBO",
    )
    assert made["FullyQualifiedName"] == "A"
    assert made["BalanceWithJobs"] == 0
    assert not made.keys() & {"Title", "OpenBalanceDate", "Notes", "BillAddr"}
    assert not made["MetaData"]["CreateTime"].startswith("2001")


def test_full_update_clears_what_it_leaves_out_but_not_the_name(company: Company) -> None:
    made = company.save("Customer", DisplayName="A", Notes="n", CompanyName="C", Taxable=False)
    after = company.save("Customer", Id=made["Id"], SyncToken="0", CompanyName="D")
    assert (after["DisplayName"], after["CompanyName"], after["Taxable"]) == ("A", "D", True)
    assert "Notes" not in after
    assert after["SyncToken"] == "1"
    assert after["CurrencyRef"]["value"] == "USD"


def test_sparse_update_changes_what_it_names_and_clears_with_an_empty_string(company: Company) -> None:
    made = company.save("Customer", DisplayName="A", Notes="n", CompanyName="C", GivenName="G")
    after = company.save(
        "Customer", Id=made["Id"], SyncToken="0", sparse=True, Notes="", CompanyName=None, DisplayName=""
    )
    assert (after["DisplayName"], after["CompanyName"], after["GivenName"]) == ("A", "C", "G")
    assert "Notes" not in after


def test_a_read_object_sent_back_changes_nothing_but_the_token(company: Company) -> None:
    made = company.save(
        "Customer",
        DisplayName="A",
        BillAddr={"Line1": "1 Quay"},
        PrimaryTaxIdentifier="123456789",
        PrimaryPhone={"FreeFormNumber": "1"},
    )
    assert made["PrimaryTaxIdentifier"] == "XXXX56789"
    after = company.save("Customer", **made)
    assert after["SyncToken"] == "1"
    assert {**after, "SyncToken": "0", "MetaData": ""} == {**made, "MetaData": ""}
    assert company.objects("Customer")[0]["PrimaryTaxIdentifier"] == "123456789"


def test_update_needs_the_present_sync_token(company: Company) -> None:
    made = company.save("Customer", DisplayName="A")
    missing = company.refused("Customer", Id=made["Id"], DisplayName="B")
    stale = company.refused("Customer", Id=made["Id"], SyncToken="7", DisplayName="B")
    assert (missing["code"], missing["element"]) == ("2020", "SyncToken")
    assert stale["code"] == "5010"
    assert company.objects("Customer")[0]["DisplayName"] == "A"


def test_one_name_space_over_customers_vendors_and_employees(company: Company) -> None:
    company.save("Customer", DisplayName="Ada Lovelace")
    assert company.refused("Vendor", DisplayName="ada lovelace")["code"] == "6240"
    employee = company.refused("Employee", GivenName="Ada", FamilyName="Lovelace")
    assert employee["Detail"].startswith("The name supplied already exists.")
    company.save("Vendor", DisplayName="Other")
    found = company.query("select * from Customer")["Customer"][0]
    assert company.refused("Customer", **found | {"DisplayName": "OTHER"})["code"] == "6240"


def test_inactive_objects_keep_their_name_and_show_a_suffix(company: Company) -> None:
    made = company.save("Customer", DisplayName="Acme")
    gone = company.save("Customer", Id=made["Id"], SyncToken="0", sparse=True, Active=False)
    assert gone["DisplayName"] == "Acme (deleted)"
    assert company.refused("Customer", DisplayName="Acme")["code"] == "6240"
    assert company.refused("Vendor", DisplayName="acme (Deleted)")["code"] == "6240"
    untouched = company.refused("Customer", Id=made["Id"], SyncToken="1", sparse=True, Notes="x")
    assert untouched["code"] == "610"
    back = company.save("Customer", Id=made["Id"], SyncToken="1", sparse=True, Active=True)
    assert back["DisplayName"] == "Acme"


def test_inactive_name_can_be_free_again(company: Company) -> None:
    company.sandbox.control("/sandbox/quirks", {"inactive-name": "free", "inactive-suffix": "off"})
    made = company.save("Customer", DisplayName="Acme")
    gone = company.save("Customer", Id=made["Id"], SyncToken="0", sparse=True, Active=False)
    assert gone["DisplayName"] == "Acme"
    company.save("Vendor", DisplayName="Acme")
    again = company.refused("Customer", Id=made["Id"], SyncToken="1", sparse=True, Active=True)
    assert again["code"] == "6240"


def test_customer_with_a_balance_cannot_be_made_inactive(company: Company) -> None:
    made = company.save("Customer", DisplayName="A", Balance="12.50", OpenBalanceDate="2026-01-31")
    assert made["Balance"] == 12.5
    error = company.refused("Customer", Id=made["Id"], SyncToken="0", sparse=True, Active=False)
    assert error["code"] == "6220"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [("0.10", "0.1"), ("100.00", "100"), ("12345678901234.56", "12345678901234.56"), ("1e3", "1000")],
)
def test_amounts_are_kept_to_the_cent_and_written_without_an_exponent(
    company: Company, sent: str, shown: str
) -> None:
    answer = company.post("customer", {"DisplayName": "A", "Balance": sent})
    assert f'"Balance":{shown},' in answer.text


def test_sub_customers_have_full_names_levels_and_a_depth_limit(company: Company) -> None:
    made = [company.save("Customer", DisplayName="L0")]
    for level in range(1, 5):
        parent = {"value": made[-1]["Id"]}
        made.append(company.save("Customer", DisplayName=f"L{level}", Job=True, ParentRef=parent))
    assert made[4]["FullyQualifiedName"] == "L0:L1:L2:L3:L4"
    assert made[4]["Level"] == 4
    deeper = company.refused("Customer", DisplayName="L5", Job=True, ParentRef={"value": made[4]["Id"]})
    assert deeper["code"] == "6180"
    circle = made[0] | {"Job": True, "ParentRef": {"value": made[2]["Id"]}}
    assert company.refused("Customer", **circle)["code"] == "900"
    nowhere = company.refused("Customer", DisplayName="X", Job=True, ParentRef={"value": "999"})
    assert nowhere["Detail"] == "Invalid Reference Id : Names element id 999 not found"

    company.save("Customer", **made[0] | {"DisplayName": "Top"})
    assert (
        company.get(f"customer/{made[4]['Id']}")
        .json()["Customer"]["FullyQualifiedName"]
        .startswith("Top:L1:")
    )


def test_currency_is_fixed_once_set(sandbox: Sandbox) -> None:
    canada = sandbox.company("canada")
    assert canada.save("Customer", DisplayName="Home")["CurrencyRef"]["value"] == "CAD"
    made = canada.save("Customer", DisplayName="A", CurrencyRef={"value": "EUR"})
    changed = canada.refused(
        "Customer", Id=made["Id"], SyncToken="0", sparse=True, CurrencyRef={"value": "USD"}
    )
    assert changed["code"] == "6000"
    assert canada.refused("Customer", DisplayName="B", CurrencyRef={"value": "XYZ"})["code"] == "2500"


def test_payroll_owns_half_of_an_employee(sandbox: Sandbox) -> None:
    company = sandbox.company(payroll=True)
    address = {"City": "Austin", "CountrySubDivisionCode": "TX", "PostalCode": "78701"}
    person = {"GivenName": "Ada", "FamilyName": "L", "PrimaryAddr": address}
    assert company.refused("Employee", **person | {"PrimaryAddr": {"City": "Austin"}})["code"] == "2020"
    assert company.refused("Employee", **person, SSN="123-45-6789")["code"] == "2010"
    assert company.refused("Employee", **person, Title="Dr")["code"] == "2010"
    assert company.save("Employee", **person, DisplayName="Other")["DisplayName"] == "Ada L"


def test_employee_needs_a_personal_name_and_a_well_formed_ssn(company: Company) -> None:
    assert company.refused("Employee", DisplayName="Someone")["code"] == "6080"
    bad = company.post("employee", {"GivenName": "Ada", "SSN": "1"})
    assert (bad.status_code, bad.json()["Fault"]["Error"][0]["code"]) == (500, "10000")
    made = company.save("Employee", GivenName="Ada", SSN="123-45-6789", BillRate=50)
    assert made["SSN"] == "XXX-XX-XXXX"
    assert "BillRate" not in made
    company.save("Employee", **made)
    assert company.objects("Employee")[0]["SSN"] == "123-45-6789"


def test_preferences_change_only_where_they_may(company: Company) -> None:
    before = company.get("preferences").json()["Preferences"]
    after = company.save(
        "Preferences",
        SyncToken="0",
        sparse=True,
        SalesFormsPrefs={"CustomTxnNumbers": True},
        TaxPrefs={"UsingSalesTax": False},
    )
    assert after["SalesFormsPrefs"] == before["SalesFormsPrefs"] | {"CustomTxnNumbers": True}
    assert after["TaxPrefs"] == before["TaxPrefs"]


@pytest.mark.parametrize(
    ("profile", "tax"),
    [
        ("us-automated-tax", {"UsingSalesTax": True, "PartnerTaxEnabled": True}),
        ("us-manual-tax", {"UsingSalesTax": True}),
        ("us-no-tax", {"UsingSalesTax": False}),
        ("canada", {"UsingSalesTax": True}),
        ("global", {"UsingSalesTax": True}),
    ],
)
def test_profiles_differ_in_their_tax_preferences(
    sandbox: Sandbox, profile: str, tax: dict[str, Any]
) -> None:
    company = sandbox.company(profile, payroll=True, timezone="Europe/Paris", name="Acme")
    assert company.get("preferences").json()["Preferences"]["TaxPrefs"] == tax
    info = company.get(f"companyinfo/{company.realm}").json()["CompanyInfo"]
    assert (info["DefaultTimeZone"], info["CompanyName"]) == ("Europe/Paris", "Acme")
    assert {"Name": "PayrollFeature", "Value": "true"} in info["NameValue"]
