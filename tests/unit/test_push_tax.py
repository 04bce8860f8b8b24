"""How an invoice says its tax."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncd.push import Refused
from syncd.push.tax import of_invoice, rate_of, shares

GST = {"rate_ref": "10", "percent": 5, "name": "GST"}
PST = {"rate_ref": "11", "percent": 7, "name": "PST"}


def document(**fields: Any) -> dict[str, Any]:
    return {
        "number": "INV-00042",
        "sales_tax": "automated",
        "rate": Decimal("8.50"),
        "tax_code": None,
        "untaxed_code": None,
        "rates": [],
        "lines": [{"taxable": True}, {"taxable": False}],
        "subtotal": Decimal("125.00"),
        "discount": Decimal("0.00"),
        "tax": Decimal("8.50"),
        **fields,
    }


def refusal(**fields: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        of_invoice(document(**fields), Decimal("100.00"))
    return caught.value


def test_automated_tax_marks_lines_and_always_says_the_total() -> None:
    tax = of_invoice(document(), Decimal("100.00"))
    assert tax.codes == {True: "TAX", False: "NON"}
    assert tax.header == {"TxnTaxDetail": {"TotalTax": Decimal("8.50")}}


@pytest.mark.parametrize("sales_tax", ["automated", "manual", "off"])
def test_without_tax_no_line_is_taxed(sales_tax: str) -> None:
    tax = of_invoice(document(sales_tax=sales_tax, tax=0), Decimal("100.00"))
    assert tax.codes == {True: "NON", False: "NON"}


def test_manual_tax_names_the_code_of_the_rate() -> None:
    tax = of_invoice(document(sales_tax="manual", tax_code="5"), Decimal("100.00"))
    assert tax.codes == {True: "TAX", False: "NON"}
    assert tax.header == {"TxnTaxDetail": {"TxnTaxCodeRef": {"value": "5"}, "TotalTax": Decimal("8.50")}}


def test_manual_tax_of_nothing_needs_no_code() -> None:
    tax = of_invoice(document(sales_tax="manual", tax=0), Decimal("100.00"))
    assert tax.header == {"TxnTaxDetail": {"TotalTax": 0}}


def test_with_sales_tax_off_nothing_is_said_of_tax() -> None:
    assert of_invoice(document(sales_tax="off", tax=0), Decimal("100.00")).header == {}


def test_tax_with_sales_tax_off_is_refused() -> None:
    refused = refusal(sales_tax="off")
    assert (refused.code, refused.held, refused.of_company) == ("sales_tax_off", False, True)
    assert refused.sentence == (
        "Invoice INV-00042 has 8.50 of tax at 8.5 %, and sales tax is switched off in QuickBooks, which would "
        "drop it. Set it up there, under Taxes > Sales tax, then run: syncd retry."
    )


def test_a_rate_without_a_code_is_refused_with_the_command() -> None:
    for sales_tax in ("manual", "codes"):
        refused = refusal(sales_tax=sales_tax, rate=Decimal("8.25"), untaxed_code="6")
        assert refused.code == "tax_code_missing"
        assert refused.sentence == (
            "Invoice INV-00042 has lines taxable at 8.25 %, and no tax code of QuickBooks is chosen for them. "
            "Choose one: syncd map tax set COMPANY 8.25 CODE"
        )


def test_untaxed_lines_without_a_code_are_refused_with_the_command() -> None:
    refused = refusal(sales_tax="codes", tax_code="5", rates=[GST])
    assert refused.code == "tax_code_missing"
    assert refused.sentence.endswith("Choose one: syncd map tax set COMPANY untaxed CODE")


def test_a_code_that_is_not_needed_need_not_be_chosen() -> None:
    taxed = document(sales_tax="codes", tax_code="5", rates=[GST], lines=[{"taxable": True}])
    assert of_invoice(taxed, Decimal("100.00")).codes == {True: "5"}
    untaxed = document(sales_tax="codes", untaxed_code="6", tax=0, lines=[{"taxable": False}])
    tax = of_invoice(untaxed, Decimal("0.00"))
    assert tax.codes == {False: "6"}
    assert tax.header == {"GlobalTaxCalculation": "TaxExcluded", "TxnTaxDetail": {"TotalTax": 0}}


def test_a_code_that_taxes_nothing_cannot_carry_tax() -> None:
    for rates in ([], [{"rate_ref": "10", "percent": 0}]):
        refused = refusal(sales_tax="codes", tax_code="5", untaxed_code="6", rates=rates)
        assert refused.code == "tax_code_without_rate"
        assert "8.50 of tax at 8.5 %" in refused.sentence


def test_codes_say_net_amounts_and_the_tax_of_each_rate() -> None:
    tax = of_invoice(
        document(
            sales_tax="codes",
            rate=12,
            tax_code="5",
            untaxed_code="6",
            rates=[GST, PST],
            discount=Decimal("12.50"),
            tax=Decimal("10.80"),
        ),
        Decimal("100.00"),
    )
    # 90.00 are taxable after a tenth of the 125.00 was discounted: 4.50 and 6.30.
    assert tax.codes == {True: "5", False: "6"}
    assert tax.header["GlobalTaxCalculation"] == "TaxExcluded"
    assert tax.header["TxnTaxDetail"] == {
        "TotalTax": Decimal("10.80"),
        "TaxLine": [
            {
                "Amount": Decimal("4.50"),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": "10"},
                    "PercentBased": True,
                    "TaxPercent": 5,
                    "NetAmountTaxable": Decimal("90.00"),
                },
            },
            {
                "Amount": Decimal("6.30"),
                "DetailType": "TaxLineDetail",
                "TaxLineDetail": {
                    "TaxRateRef": {"value": "11"},
                    "PercentBased": True,
                    "TaxPercent": 7,
                    "NetAmountTaxable": Decimal("90.00"),
                },
            },
        ],
    }


def test_tax_that_no_line_bears_is_refused() -> None:
    refused = refusal(lines=[{"taxable": False}])
    assert refused.code == "tax_without_lines"


def test_negative_tax_is_refused() -> None:
    assert refusal(tax=Decimal("-0.01")).code == "tax_negative"


def test_an_unknown_way_of_tax_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="sideways"):
        of_invoice(document(sales_tax="sideways"), Decimal("100.00"))


@pytest.mark.parametrize(("rate", "words"), [("8.50", "8.5"), ("12", "12"), ("0.00", "0"), ("100", "100")])
def test_a_rate_is_named_as_people_write_it(rate: str, words: str) -> None:
    assert rate_of({"rate": Decimal(rate)}) == words


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        ("1.21", ["5", "7"], ["0.50", "0.71"]),  # 0.504 and 0.706
        ("0.01", ["5", "5"], ["0.01", "0.00"]),  # of equal losses the first
        ("15.00", ["5", "9.975"], ["5.01", "9.99"]),  # 5.0083 and 9.9917
        ("1.00", ["1", "1", "1"], ["0.34", "0.33", "0.33"]),
        ("2.00", ["20"], ["2.00"]),
        ("0.00", ["5", "7"], ["0.00", "0.00"]),
        ("0.00", ["0"], ["0.00"]),
        ("0.00", [], []),
    ],
)
def test_shares_by_largest_remainder(total: str, weights: list[str], parts: list[str]) -> None:
    assert [str(part) for part in shares(Decimal(total), [Decimal(weight) for weight in weights])] == parts


@given(
    cents=st.integers(0, 10**9),
    weights=st.lists(st.decimals(0, 100, places=3), min_size=1, max_size=6).filter(any),
)
def test_shares_hit_the_total_and_are_within_a_cent(cents: int, weights: list[Decimal]) -> None:
    total = Decimal(cents).scaleb(-2)
    parts = shares(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - total * weight / sum(weights)) < Decimal("0.010001")
        assert part >= 0
        assert weight or not part
