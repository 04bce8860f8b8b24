"""The chart of accounts: what every new company has, and where transactions find their accounts."""

from syncd.sandbox import faults
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json

CLASSIFICATIONS = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Cost of Goods Sold": "Expense",
    "Expense": "Expense",
    "Other Expense": "Expense",
}
CREDIT = ("Liability", "Equity", "Revenue")
"""Classifications whose balances are credits, and shown without a sign."""

SUB_TYPES = {
    "Checking": "Bank", "Savings": "Bank", "CashOnHand": "Bank", "MoneyMarket": "Bank", "TrustAccounts": "Bank",
    "AccountsReceivable": "Accounts Receivable",
    "UndepositedFunds": "Other Current Asset", "Inventory": "Other Current Asset",
    "OtherCurrentAssets": "Other Current Asset", "PrepaidExpenses": "Other Current Asset",
    "EmployeeCashAdvances": "Other Current Asset", "Retainage": "Other Current Asset",
    "FurnitureAndFixtures": "Fixed Asset", "MachineryAndEquipment": "Fixed Asset", "Vehicles": "Fixed Asset",
    "OtherFixedAssets": "Fixed Asset", "AccumulatedDepreciation": "Fixed Asset",
    "OtherLongTermAssets": "Other Asset", "SecurityDeposits": "Other Asset", "Goodwill": "Other Asset",
    "AccountsPayable": "Accounts Payable", "CreditCard": "Credit Card",
    "SalesTaxPayable": "Other Current Liability", "GlobalTaxPayable": "Other Current Liability",
    "OtherCurrentLiabilities": "Other Current Liability", "PayrollTaxPayable": "Other Current Liability",
    "NotesPayable": "Long Term Liability", "OtherLongTermLiabilities": "Long Term Liability",
    "OpeningBalanceEquity": "Equity", "RetainedEarnings": "Equity", "OwnersEquity": "Equity",
    "SalesOfProductIncome": "Income", "ServiceFeeIncome": "Income", "DiscountsRefundsGiven": "Income",
    "OtherPrimaryIncome": "Income", "UnappliedCashPaymentIncome": "Income",
    "OtherMiscellaneousIncome": "Other Income", "InterestEarned": "Other Income",
    "SuppliesMaterialsCogs": "Cost of Goods Sold", "CostOfLaborCos": "Cost of Goods Sold",
    "OtherCostsOfServiceCos": "Cost of Goods Sold",
    "AdvertisingPromotional": "Expense", "BankCharges": "Expense", "OfficeGeneralAdministrativeExpenses": "Expense",
    "SuppliesMaterials": "Expense", "Travel": "Expense", "LegalProfessionalFees": "Expense",
    "OtherMiscellaneousServiceCost": "Expense",
    "ExchangeGainOrLoss": "Other Expense", "OtherMiscellaneousExpense": "Other Expense",
}  # fmt: skip
"""The account type of each sub-type the sandbox knows; QBO knows more."""

SYSTEM = (
    "AccountsReceivable", "AccountsPayable", "UndepositedFunds", "SalesTaxPayable", "OpeningBalanceEquity",
    "DiscountsRefundsGiven", "ExchangeGainOrLoss",
)  # fmt: skip
"""Sub-types that transactions fall back on: their accounts keep them."""

_SEEDS = (
    ("Checking", "Checking"),
    ("Savings", "Savings"),
    ("Accounts Receivable (A/R)", "AccountsReceivable"),
    ("Undeposited Funds", "UndepositedFunds"),
    ("Inventory Asset", "Inventory"),
    ("Accounts Payable (A/P)", "AccountsPayable"),
    ("Visa", "CreditCard"),
    ("Sales Tax Payable", "SalesTaxPayable"),
    ("Opening Balance Equity", "OpeningBalanceEquity"),
    ("Retained Earnings", "RetainedEarnings"),
    ("Services", "ServiceFeeIncome"),
    ("Sales of Product Income", "SalesOfProductIncome"),
    ("Discounts given", "DiscountsRefundsGiven"),
    ("Cost of Goods Sold", "SuppliesMaterialsCogs"),
    ("Stripe Fees", "BankCharges"),
    ("Exchange Gain or Loss", "ExchangeGainOrLoss"),
)


def account(company: Company, name: str, sub_type: str) -> dict[str, Json]:
    """The body of an account in home currency."""
    kind = SUB_TYPES[sub_type]
    return {
        "Name": name,
        "FullyQualifiedName": name,
        "Active": True,
        "SubAccount": False,
        "AccountType": kind,
        "AccountSubType": sub_type,
        "Classification": CLASSIFICATIONS[kind],
        "CurrencyRef": {"value": company.profile.currency},
    }


def seeds(company: Company) -> list[dict[str, Json]]:
    """The accounts of a new company."""
    return [account(company, name, sub_type) for name, sub_type in _SEEDS]


def of_type(company: Company, sub_type: str) -> str:
    """The id of the oldest account of a sub-type, which a transaction falls back on."""
    found = company.find("Account", "AccountSubType", sub_type)
    return min((stored.id for stored in found), key=int)


def receivable(company: Company, currency: str) -> str:
    """The A/R account of a currency; it is made when the first transaction needs it."""
    return _per_currency(company, "Accounts Receivable (A/R)", "AccountsReceivable", currency)


def payable(company: Company, currency: str) -> str:
    """The A/P account of a currency, likewise."""
    return _per_currency(company, "Accounts Payable (A/P)", "AccountsPayable", currency)


def _per_currency(company: Company, name: str, sub_type: str, currency: str) -> str:
    if currency == company.profile.currency:
        return of_type(company, sub_type)
    name = f"{name} - {currency}"
    found = company.find("Account", "Name", name)
    if found:
        return found[0].id
    body = account(company, name, sub_type) | {"CurrencyRef": {"value": currency}}
    stored = Stored("Account", company.next_id("Accounts"), 0, company.created, company.created, body)
    company.put(stored, ("Name", "AccountSubType"))
    return stored.id


def require_type(company: Company, reference: Json, element: str, *kinds: str) -> None:
    """Fault 6430 unless the account referred to is of one of these types."""
    if isinstance(reference, dict):
        stored = company.get("Account", str(reference["value"]))
        if stored is not None and stored.body["AccountType"] not in kinds:
            raise faults.wrong_account(element, " or ".join(kinds))
