"""CompanyInfo (API reference, CompanyInfo): one object, made with the company."""

from datetime import datetime

from syncd.sandbox import faults
from syncd.sandbox.clock import PACIFIC
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json


def _rules(write: Write) -> None:
    for attribute in ("CompanyName", "CompanyAddr"):
        if not write.draft.get(attribute):
            raise faults.required(attribute)


def _seeds(company: Company) -> list[dict[str, Json]]:
    profile = company.profile
    address: dict[str, Json] = {
        "Line1": "1 Sample Street",
        "City": profile.city,
        "Country": profile.iso3,
        "CountrySubDivisionCode": profile.region,
        "PostalCode": profile.postal_code,
    }
    facts = {
        "NeoEnabled": "true",
        "IndustryType": "Professional services",
        "SubscriptionStatus": "PAID",
        "OfferingSku": "QuickBooks Online Plus",
        "PayrollFeature": "true" if company.payroll else "false",
        "AccountantFeature": "false",
        "ItemCategoriesFeature": "true",
    }
    pairs: list[Json] = [{"Name": name, "Value": value} for name, value in facts.items()]
    info: dict[str, Json] = {
        "CompanyName": company.name,
        "LegalName": company.name,
        "CompanyAddr": dict(address),
        "CustomerCommunicationAddr": dict(address),
        "LegalAddr": dict(address),
        "CompanyStartDate": datetime.fromtimestamp(company.created, PACIFIC).date().isoformat(),
        "FiscalYearStartMonth": "January",
        "Country": profile.country,
        "Email": {"Address": "owner@company.example"},
        "SupportedLanguages": "en",
        "DefaultTimeZone": company.timezone,
        "NameValue": pairs,
    }
    return [info]


ENTITY = Entity(
    name="CompanyInfo",
    space="CompanyInfo",
    singleton=True,
    seeds=_seeds,
    rules=_rules,
    fields=(
        Field("CompanyName", limit=1024, query="sort"),
        Field("LegalName", limit=1024),
        Field("CompanyAddr", "address"),
        Field("CustomerCommunicationAddr", "address"),
        Field("LegalAddr", "address"),
        Field("PrimaryPhone", "phone", 30),
        Field("Email", "email", 100),
        Field("WebAddr", "web"),
        Field("CompanyStartDate", "date", read_only=True),
        Field("FiscalYearStartMonth", read_only=True),
        Field("Country", read_only=True),
        Field("SupportedLanguages", read_only=True),
        Field("DefaultTimeZone", read_only=True),
        Field("NameValue", "group", read_only=True),
    ),
    accepted=words(
        "CompanyEmailAddr CustomerCommunicationEmailAddr CompanyURL DefaultTimeZoneOffset "
        "EmployerId MultiByteCharsSupported OtherAddr QBVersion Mobile Fax status IntuitId "
        "CustomField AttachableRef CompanyFileName FlavorStratum SampleFile"
    ),
)
