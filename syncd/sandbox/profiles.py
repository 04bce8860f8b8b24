"""Kinds of company: country, currency, time zone and how sales tax is set up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """A kind of company.

    `partner_tax` is Preferences.TaxPrefs.PartnerTaxEnabled: True where automated
    sales tax is set up, None where the company has none (the attribute is then
    absent). `iso3` is the country as CompanyInfo addresses give it.
    """

    name: str
    country: str
    iso3: str
    currency: str
    timezone: str
    using_sales_tax: bool
    partner_tax: bool | None
    multicurrency: bool
    city: str
    region: str
    postal_code: str


PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "us-automated-tax", "US", "USA", "USD", "America/Los_Angeles", True, True, False,
            "Mountain View", "CA", "94043",
        ),
        Profile(
            "us-manual-tax", "US", "USA", "USD", "America/Chicago", True, None, False,
            "Austin", "TX", "78701",
        ),
        Profile(
            "us-no-tax", "US", "USA", "USD", "America/New_York", False, None, False,
            "Portland", "ME", "04101",
        ),
        Profile(
            "canada", "CA", "CAN", "CAD", "America/Toronto", True, None, True,
            "Toronto", "ON", "M5H 2N2",
        ),
        Profile(
            "global", "GB", "GBR", "GBP", "Europe/London", True, None, True,
            "London", "Greater London", "EC1A 1BB",
        ),
    )
}  # fmt: skip


CURRENCIES = {
    "AED": "United Arab Emirates Dirham", "AUD": "Australian Dollar", "BRL": "Brazilian Real",
    "CAD": "Canadian Dollar", "CHF": "Swiss Franc", "CNY": "Chinese Yuan Renminbi",
    "CZK": "Czech Koruna", "DKK": "Danish Krone", "EUR": "Euro", "GBP": "British Pound Sterling",
    "HKD": "Hong Kong Dollar", "ILS": "Israeli Shekel", "INR": "Indian Rupee", "JPY": "Japanese Yen",
    "MXN": "Mexican Peso", "NOK": "Norwegian Krone", "NZD": "New Zealand Dollar",
    "PHP": "Philippine Peso", "PLN": "Polish Zloty", "SEK": "Swedish Krona",
    "SGD": "Singapore Dollar", "USD": "United States Dollar", "ZAR": "South African Rand",
}  # fmt: skip
