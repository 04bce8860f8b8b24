"""The sales taxes of a new company, by its profile. Names and percentages are made up to look right."""

from dataclasses import dataclass

PSEUDO_CODES = ("TAX", "NON", "CustomSalesTax")
"""US tax codes whose Id is their name; the first two are all that US lines may carry."""


@dataclass(frozen=True)
class Table:
    """Rates as (name, percent), and codes as (name, names of their rates)."""

    agency: str
    rates: tuple[tuple[str, str], ...] = ()
    codes: tuple[tuple[str, tuple[str, ...]], ...] = ()


TABLES = {
    "us-automated-tax": Table(
        "California Department of Tax and Fee Administration",
        (("California State", "6"), ("Santa Clara County", "2.5")),
        (("California", ("California State", "Santa Clara County")),),
    ),
    "us-manual-tax": Table(
        "Texas Comptroller",
        (("Texas State", "6.25"), ("Austin City", "2"), ("Ten", "10"), ("Zero", "0")),
        (("Austin", ("Texas State", "Austin City")), ("Ten", ("Ten",)), ("Zero", ("Zero",))),
    ),
    "us-no-tax": Table("Maine Revenue Services"),
    "canada": Table(
        "Canada Revenue Agency",
        (("GST", "5"), ("PST BC", "7"), ("HST ON", "13"), ("Zero-rated", "0"), ("Exempt", "0")),
        (
            ("GST", ("GST",)),
            ("GST/PST BC", ("GST", "PST BC")),
            ("HST ON", ("HST ON",)),
            ("Zero-rated", ("Zero-rated",)),
            ("Exempt", ("Exempt",)),
            ("Out of Scope", ()),
        ),
    ),
    "global": Table(
        "HM Revenue & Customs",
        (("20.0% S", "20"), ("5.0% R", "5"), ("0.0% Z", "0"), ("Exempt", "0")),
        (
            ("20.0% S", ("20.0% S",)),
            ("5.0% R", ("5.0% R",)),
            ("0.0% Z", ("0.0% Z",)),
            ("Exempt", ("Exempt",)),
            ("No VAT", ()),
        ),
    ),
}
