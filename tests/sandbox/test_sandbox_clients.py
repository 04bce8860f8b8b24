"""The clients people use: python-quickbooks and intuit-oauth, unchanged."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from intuitlib.enums import Scopes
from intuitlib.exceptions import AuthClientError
from quickbooks.exceptions import AuthorizationException, ObjectNotFoundException, QuickbooksException
from quickbooks.objects import Address, Customer, EmailAddress, Employee, PhoneNumber, Vendor
from quickbooks.objects.company_info import CompanyInfo
from quickbooks.objects.preferences import Preferences

from .conftest import REDIRECT, auth_client
from .server import Company


def customer(name: str) -> Any:
    made = Customer()
    made.DisplayName = name
    return made


def test_authorize_exchange_refresh_and_revoke(company: Company) -> None:
    client = auth_client(company.sandbox)
    asked = client.get_authorization_url([Scopes.ACCOUNTING], state_token="s1")
    consent = httpx.get(asked, params={"realm_id": company.realm, **flat(asked)})
    landed = flat(consent.headers["location"])
    assert consent.status_code == 302
    assert consent.headers["location"].startswith(REDIRECT)
    assert (landed["state"], landed["realmId"]) == ("s1", company.realm)

    client.get_bearer_token(landed["code"], realm_id=landed["realmId"])
    first = client.refresh_token
    assert client.expires_in == 3600
    client.refresh()
    assert client.refresh_token != first
    with pytest.raises(AuthClientError) as dead:
        client.refresh(refresh_token=first)
    assert dead.value.status_code == 400
    assert b"invalid_grant" in dead.value.content
    assert dead.value.intuit_tid

    assert client.revoke() is True
    with pytest.raises(AuthClientError):
        client.refresh()
    refused = httpx.get(
        f"{company.base}/companyinfo/{company.realm}",
        headers={"Authorization": f"Bearer {client.access_token}", "Accept": "application/json"},
    )
    assert refused.status_code == 401


def flat(url: str) -> dict[str, str]:
    """The query of a URL."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def test_wrong_secret_is_invalid_client(company: Company) -> None:
    client = auth_client(company.sandbox)
    client.client_secret = "wrong"
    with pytest.raises(AuthClientError) as refused:
        client.refresh(refresh_token=company.refresh)
    assert refused.value.status_code == 401
    assert b"invalid_client" in refused.value.content


def test_customer_is_created_read_updated_and_found(qb: Any) -> None:
    made = customer("O'Brien & Söhne")
    made.GivenName = "Pat"
    made.PrimaryEmailAddr = EmailAddress()
    made.PrimaryEmailAddr.Address = "pat@example.com"
    made.PrimaryPhone = PhoneNumber()
    made.PrimaryPhone.FreeFormNumber = "555-0100"
    made.BillAddr = Address()
    made.BillAddr.Line1 = "1 Quay"
    made.BillAddr.Country = "U.S.A"
    saved = made.save(qb=qb)
    read = Customer.get(saved.Id, qb=qb)
    assert (read.SyncToken, read.FullyQualifiedName, read.BillAddr.Country) == (
        "0",
        made.DisplayName,
        "U.S.A",
    )

    read.CompanyName = "O'Brien"
    assert read.save(qb=qb).SyncToken == "1"
    found = Customer.filter(DisplayName="o'brien & söhne", qb=qb)
    assert [(one.Id, one.CompanyName) for one in found] == [(saved.Id, "O'Brien")]
    assert Customer.count("GivenName = 'pat'", qb=qb) == 1
    assert Customer.choose(["O'Brien & Söhne", "nobody"], field="DisplayName", qb=qb)[0].Id == saved.Id
    assert [one.Id for one in Customer.all(order_by="DisplayName", max_results=5, qb=qb)] == [saved.Id]


def test_vendor_and_employee_are_created(qb: Any) -> None:
    vendor = Vendor()
    vendor.DisplayName = "Paper Co"
    employee = Employee()
    employee.GivenName, employee.FamilyName = "Ada", "Lovelace"
    assert Vendor.get(vendor.save(qb=qb).Id, qb=qb).DisplayName == "Paper Co"
    assert Employee.get(employee.save(qb=qb).Id, qb=qb).DisplayName == "Ada Lovelace"
    assert int(employee.Id) == int(vendor.Id) + 1


def test_request_id_gives_the_first_object_again(qb: Any) -> None:
    first = customer("Once").save(qb=qb, request_id="rid-1")
    again = customer("Once").save(qb=qb, request_id="rid-1")
    assert first.Id == again.Id
    assert Customer.count(qb=qb) == 1


def test_duplicate_name_is_6240(qb: Any) -> None:
    customer("Acme").save(qb=qb)
    with pytest.raises(QuickbooksException) as refused:
        customer("ACME ").save(qb=qb)
    assert refused.value.error_code == 6240


def test_old_sync_token_is_5010(qb: Any) -> None:
    saved = customer("Acme").save(qb=qb)
    saved.save(qb=qb)
    saved.SyncToken = "0"
    with pytest.raises(QuickbooksException) as refused:
        saved.save(qb=qb)
    assert refused.value.error_code == 5010


def test_missing_object_is_610(qb: Any) -> None:
    with pytest.raises(ObjectNotFoundException):
        Customer.get(999, qb=qb)


def test_expired_token_is_an_authorization_exception(qb: Any, company: Company) -> None:
    company.sandbox.inject("token-dead", realm_id=company.realm)
    with pytest.raises(AuthorizationException) as refused:
        Customer.all(qb=qb)
    assert refused.value.error_code == 401
    assert '"code":"3200"' in refused.value.detail


def test_preferences_and_company_info_are_read_and_changed(qb: Any, company: Company) -> None:
    preferences = Preferences.get(qb=qb)
    assert preferences.TaxPrefs.PartnerTaxEnabled is True
    assert preferences.OtherPrefs.NameValue[0].Name == "SalesFormsPrefs.DefaultCustomerMessage"
    preferences.EmailMessagesPrefs.EstimateMessage.Subject = "Our offer"
    assert preferences.save(qb=qb).EmailMessagesPrefs.EstimateMessage.Subject == "Our offer"

    info = CompanyInfo.get(company.realm, qb=qb)
    assert (info.Id, info.Country, info.CompanyAddr.Country) == ("1", "US", "USA")
