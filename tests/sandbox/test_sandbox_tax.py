"""Sales tax by kind of company, and the worked cases that were computed by hand."""

from typing import Any

import pytest
from quickbooks.objects import TaxAgency
from quickbooks.objects.taxcode import TaxCode
from quickbooks.objects.taxrate import TaxRate
from quickbooks.objects.taxservice import TaxRateDetails, TaxService

from .books import books, discount, line, refuse_invoice, sell
from .server import Company, Sandbox

NEW = {"TaxRateName": "B", "RateValue": 1, "TaxAgencyId": "1"}


def code(company: Company, name: str) -> str:
    return next(str(one["Id"]) for one in company.objects("TaxCode") if one["Name"] == name)


def rate(company: Company, name: str) -> str:
    return next(str(one["Id"]) for one in company.objects("TaxRate") if one["Name"] == name)


def given(company: Company, **amounts: float) -> dict[str, Any]:
    lines = [
        {"Amount": amount, "TaxLineDetail": {"TaxRateRef": {"value": rate(company, name)}}}
        for name, amount in amounts.items()
    ]
    return {"TaxLine": lines, "TotalTax": sum(amounts.values())}


def test_python_quickbooks_reads_and_makes_taxes(qb: Any) -> None:
    assert len(TaxCode.all(max_results=1, qb=qb)) == 4
    assert len(TaxRate.all(max_results=1, qb=qb)) == 1
    agency = TaxAgency()
    agency.DisplayName = "City"
    agency.save(qb=qb)
    service, detail = TaxService(), TaxRateDetails()
    service.TaxCode, detail.TaxRateName, detail.RateValue, detail.TaxAgencyId = "City tax", "City", 10, 1
    service.TaxRateDetails.append(detail)
    made = service.save(qb=qb)
    assert (made.TaxCode, made.TaxRateDetails[0].RateValue, made.TaxRateDetails[0].TaxAgencyId) == (
        "City tax", 10, "1",
    )  # fmt: skip
    assert TaxCode.get(made.TaxCodeId, qb=qb).SalesTaxRateList.TaxRateDetail[0].TaxRateRef.name == "City"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, "2020"),
        ({"TaxCode": "A"}, "2020"),
        ({"TaxCode": "California", "TaxRateDetails": [{"TaxRateId": "1"}]}, "6240"),
        ({"TaxCode": "A", "TaxRateDetails": [NEW | {"TaxRateName": "California State"}]}, "6240"),
        ({"TaxCode": "A", "TaxRateDetails": [NEW | {"TaxAgencyId": "9"}]}, "2500"),
        ({"TaxCode": "A", "TaxRateDetails": [{"TaxRateId": "99"}]}, "2500"),
    ],
)  # fmt: skip
def test_what_a_tax_may_not_be(company: Company, body: dict[str, Any], expected: str) -> None:
    answer = company.post("taxservice/taxcode", body)
    assert (answer.status_code, answer.json()["Fault"]["Error"][0]["code"]) == (400, expected)
    assert company.refused("TaxRate", Name="A")["code"] == "500"


def test_automated_tax_adds_its_own(company: Company) -> None:
    made = sell(company, line(100, tax="TAX"), line(25, tax="NON"), ShipAddr={"CountrySubDivisionCode": "CA"})
    detail = made["TxnTaxDetail"]
    assert (made["TotalAmt"], detail["TotalTax"], detail["TxnTaxCodeRef"]["value"]) == (133.5, 8.5, "1")
    assert [(one["Amount"], one["TaxLineDetail"]["NetAmountTaxable"]) for one in detail["TaxLine"]] == [
        (6, 100), (2.5, 100),
    ]  # fmt: skip
    assert books(company)["Sales Tax Payable"] == -8.5
    assert sell(company, line(100, tax="TAX"), ShipAddr={"CountrySubDivisionCode": "OR"})["TotalAmt"] == 100
    item = company.get("item/1").json()["Item"]
    company.save("Item", **item | {"Taxable": True})
    assert sell(company, line(100))["TotalAmt"] == 108.5
    exempt = company.save("Customer", DisplayName="Exempt", Taxable=False)
    assert sell(company, line(100, tax="TAX"), CustomerRef={"value": exempt["Id"]})["TotalAmt"] == 100


@pytest.mark.parametrize(("quirk", "tax"), [("honoured", 0.82), ("ignored", 0.83)])
def test_a_given_total_tax(company: Company, quirk: str, tax: float) -> None:
    company.sandbox.control("/sandbox/quirks", {"total-tax": quirk})
    made = sell(company, line("9.78", tax="TAX"), TxnTaxDetail={"TotalTax": 0.82})
    assert made["TxnTaxDetail"]["TotalTax"] == tax
    assert sum(one["Amount"] for one in made["TxnTaxDetail"]["TaxLine"]) == pytest.approx(tax)
    assert sell(company, line(100, tax="NON"), TxnTaxDetail={"TotalTax": 5})["TotalAmt"] == 100
    change = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "n"}
    assert company.save("Invoice", **change)["TxnTaxDetail"]["TotalTax"] == tax


def test_manual_tax_is_the_code_that_is_named(sandbox: Sandbox) -> None:
    company = sandbox.company("us-manual-tax")
    assert sell(company, line(100, tax="TAX"))["TotalAmt"] == 100
    named = {"TxnTaxCodeRef": {"value": code(company, "Austin")}}
    assert sell(company, line(100, tax="TAX"), TxnTaxDetail=named)["TotalAmt"] == 108.25
    assert sell(company, line(100, tax="NON"), TxnTaxDetail=named)["TotalAmt"] == 100
    lee = company.save("Customer", DisplayName="Lee", DefaultTaxCodeRef=named["TxnTaxCodeRef"])
    assert sell(company, line(100, tax="TAX"), CustomerRef={"value": lee["Id"]})["TotalAmt"] == 108.25


def test_without_sales_tax_nothing_of_it_is_kept(sandbox: Sandbox) -> None:
    company = sandbox.company("us-no-tax")
    made = sell(company, line(100, tax="TAX"), TxnTaxDetail={"TotalTax": 8.5})
    assert (made["TotalAmt"], "TxnTaxDetail" in made) == (100, False)


@pytest.mark.parametrize(("profile", "words"), [("canada", "GST/HST rate"), ("global", "VAT rate")])
def test_elsewhere_every_line_needs_a_code(sandbox: Sandbox, profile: str, words: str) -> None:
    company = sandbox.company(profile, multicurrency=False)
    error = refuse_invoice(company)
    assert (error["code"], words in error["Detail"]) == ("6000", True)
    assert refuse_invoice(company, Line=[line(1, tax="99")])["code"] == "2500"
    assert refuse_invoice(company, Line=[line(1, tax="TAX")])["code"] == "2500"
    free = {"GlobalTaxCalculation": "NotApplicable"}
    assert sell(company, line(1), **free)["TotalAmt"] == 1
    assert refuse_invoice(company, TxnTaxDetail={"TotalTax": 1}, **free)["code"] == "6170"


def test_rates_in_a_request_are_checked(sandbox: Sandbox) -> None:
    company = sandbox.company("canada", multicurrency=False)
    lines = [line(100, tax=code(company, "GST"))]
    foreign = given(company, **{"HST ON": 13})
    assert refuse_invoice(company, Line=lines, TxnTaxDetail=foreign)["code"] == "6000"
    twice = given(company, GST=5)
    assert (
        refuse_invoice(company, Line=lines, TxnTaxDetail={"TaxLine": twice["TaxLine"] * 2})["code"] == "6000"
    )
    unknown = {"TaxLine": [{"Amount": 1, "TaxLineDetail": {"TaxRateRef": {"value": "99"}}}]}
    assert refuse_invoice(company, Line=lines, TxnTaxDetail=unknown)["code"] == "2500"


# Worked cases, computed by hand.


def test_case_1_discount_before_tax(company: Company) -> None:
    lines = line(100, tax="TAX"), line(25, tax="NON"), discount("12.50")
    assert sell(company, *lines, ApplyTaxAfterDiscount=True)["TotalAmt"] == 120.15
    assert sell(company, *lines)["TotalAmt"] == 121


@pytest.mark.parametrize("tax", [0.81, 0.82])
def test_case_3_either_cent_arrives(company: Company, tax: float) -> None:
    lines = line("11.33", tax="TAX"), line("66.67", tax="NON"), discount(10)
    made = sell(company, *lines, ApplyTaxAfterDiscount=True, TxnTaxDetail={"TotalTax": tax})
    assert made["TotalAmt"] == pytest.approx(68 + tax)


@pytest.mark.parametrize(("quirk", "tax"), [("honoured", 1.21), ("ignored", 1.2)])
def test_case_5_british_columbia(sandbox: Sandbox, quirk: str, tax: float) -> None:
    sandbox.control("/sandbox/quirks", {"total-tax": quirk})
    company = sandbox.company("canada", multicurrency=False)
    detail = given(company, **{"GST": 0.5, "PST BC": 0.71})
    made = sell(company, line("10.05", tax=code(company, "GST/PST BC")), TxnTaxDetail=detail)
    assert made["TxnTaxDetail"]["TotalTax"] == tax


def test_case_7_everything_off(company: Company) -> None:
    assert sell(company, line(80), discount(80), ApplyTaxAfterDiscount=True)["TotalAmt"] == 0


def test_case_12_united_kingdom(sandbox: Sandbox) -> None:
    company = sandbox.company("global", multicurrency=False)
    lines = line(10, tax=code(company, "20.0% S")), line(5, tax=code(company, "Exempt"))
    made = sell(company, *lines)
    assert (made["TxnTaxDetail"]["TotalTax"], made["TotalAmt"]) == (2, 17)
