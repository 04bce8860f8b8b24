"""A connected company in which everything is set up: what QuickBooks tells of it, its mappings, all switches on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from psycopg.types.json import Jsonb

from syncd.qbo.realm import Realm, dumps, region_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.support.database import Database
    from tests.support.processes import Sandbox

SLOTS = {
    "income": "ServiceFeeIncome",
    "expenses": "SuppliesMaterialsCogs",
    "discounts": "DiscountsRefundsGiven",
    "undeposited_funds": "UndepositedFunds",
}
TOGGLES = ("auto_customers", "auto_invoices", "auto_payments", "auto_service_items", "auto_timesheets")


def make_ready(database: Database, sandbox: Sandbox, company: str, realm: str) -> None:
    """As an admin leaves it after the set-up: `syncd company connect`, `syncd map ... set`, `syncd settings set`."""
    _tell(database, sandbox, company, realm)
    for account in sandbox.objects(realm, "Account"):
        for slot in (slot for slot, kind in SLOTS.items() if kind == account["AccountSubType"]):
            map_account(database, company, slot, account)
    for code in reversed(
        sandbox.objects(realm, "TaxCode")
    ):  # the oldest is last, and so the one for its rate
        rates = code_rates(sandbox, realm, code)
        if rates:
            map_tax(database, company, sum(map(Decimal, rates.values()), Decimal(0)), code, rates)
        if code["Name"] == "Exempt":
            map_tax(database, company, None, code, rates)
    database.switch(company, enable_sync=True, **dict.fromkeys(TOGGLES, True))


def add_tax(database: Database, sandbox: Sandbox, company: str, realm: str, *percents: Decimal | str) -> None:
    """A tax code of these rates, made in QuickBooks and mapped to what they come to."""
    total = sum(map(Decimal, percents), Decimal(0))
    [agency, *_] = sandbox.objects(realm, "TaxAgency")
    rows = [
        {"TaxRateName": f"Part {n} of {total}", "RateValue": float(percent), "TaxAgencyId": agency["Id"]}
        for n, percent in enumerate(percents, start=1)
    ]
    made = sandbox.post(realm, "taxservice/taxcode", {"TaxCode": f"Tax of {total}", "TaxRateDetails": rows})
    [code] = [c for c in sandbox.objects(realm, "TaxCode") if c["Id"] == made["TaxCodeId"]]
    map_tax(database, company, total, code, code_rates(sandbox, realm, code))


def employ(database: Database, sandbox: Sandbox, company: str, realm: str, member: str, name: str) -> str:
    """An employee in QuickBooks for a member of SIP, mapped. The employee's id."""
    given, _, family = name.partition(" ")
    address = {"City": "Reno", "CountrySubDivisionCode": "NV", "PostalCode": "89501"}
    made = sandbox.post(
        realm, "employee", {"GivenName": given, "FamilyName": family, "PrimaryAddr": address}
    )["Employee"]
    id_ = str(made["Id"])
    database.execute(
        "insert into syncd.employee_map (company_id, environment, realm_id, member_id, qbo_type, qbo_id, qbo_name)"
        " select company_id, environment, realm_id, %s, 'Employee', %s, %s from syncd.company where company_id = %s",
        (member, id_, name, company),
    )
    return id_


def map_tax(
    database: Database,
    company: str,
    rate: Decimal | None,
    code: Mapping[str, Any],
    rates: Mapping[str, str],
) -> None:
    """Choose a tax code for a rate of SIP's, or, with None, for lines without tax."""
    slot = "untaxed" if rate is None else format(rate.normalize(), "f")
    database.execute(
        "insert into syncd.tax_map (company_id, environment, realm_id, slot, qbo_id, qbo_name, rates)"
        " select c.company_id, c.environment, c.realm_id, %s, %s, %s, coalesce("
        " (select jsonb_agg(jsonb_build_object('rate_ref', r.ref, 'percent', r.percent::numeric) order by r.n)"
        "  from unnest(%s::text[], %s::text[]) with ordinality as r (ref, percent, n)), '[]')"
        " from syncd.company c where c.company_id = %s"
        " on conflict on constraint tax_map_pkey do update"
        " set qbo_id = excluded.qbo_id, qbo_name = excluded.qbo_name, rates = excluded.rates",
        (slot, code["Id"], code["Name"], list(rates), list(rates.values()), company),
    )


def map_account(database: Database, company: str, slot: str, account: Mapping[str, Any]) -> None:
    """Choose an account."""
    database.execute(
        "insert into syncd.account_map (company_id, environment, realm_id, slot, qbo_id, qbo_name)"
        " select c.company_id, c.environment, c.realm_id, %s, %s, %s from syncd.company c where c.company_id = %s"
        " on conflict on constraint account_map_pkey do update"
        " set qbo_id = excluded.qbo_id, qbo_name = excluded.qbo_name",
        (slot, account["Id"], account["Name"], company),
    )


def code_rates(sandbox: Sandbox, realm: str, code: Mapping[str, Any]) -> dict[str, str]:
    """The rates of a tax code in QuickBooks' order: id to percent."""
    percents = {rate["Id"]: str(rate["RateValue"]) for rate in sandbox.objects(realm, "TaxRate")}
    details = code.get("SalesTaxRateList", {}).get("TaxRateDetail", [])
    return {detail["TaxRateRef"]["value"]: percents[detail["TaxRateRef"]["value"]] for detail in details}


def _tell(database: Database, sandbox: Sandbox, company: str, realm: str) -> None:
    """What is stored at connect."""
    [info], [preferences] = sandbox.objects(realm, "CompanyInfo"), sandbox.objects(realm, "Preferences")
    told = Realm(info, preferences)
    database.execute(
        "update syncd.company set region = %s, timezone = %s, company_info = %s, preferences = %s,"
        " home_currency = %s, payroll_enabled = %s, facts_at = clock_timestamp() where company_id = %s",
        (
            region_of(told.country),
            info["DefaultTimeZone"],
            Jsonb(info, dumps=dumps),
            Jsonb(preferences, dumps=dumps),
            told.currency,
            told.payroll,
            company,
        ),
    )
