"""Preferences (API reference, Preferences): one object, of which little is writable."""

from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.schema import Field, words
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json


def _anything(_field: Field, value: Json, _quirks: object, _path: str) -> Json:
    return value


def _part(name: str, *, writable: bool = True) -> Field:
    return Field(name, "Preferences", read_only=not writable, reader=_anything)


def _group(name: str, writable: str, fixed: str = "") -> Field:
    parts = [_part(part) for part in writable.split()]
    parts += [_part(part, writable=False) for part in fixed.split()]
    return Field(name, "group", parts=tuple(parts))


def _rules(write: Write) -> None:
    """Groups are merged part by part: what a client may not write stays as it is."""
    if write.before is None:
        return
    for name, old in write.before.body.items():
        new = write.draft.get(name)
        if isinstance(old, dict):
            write.draft[name] = {**old, **new} if isinstance(new, dict) else old


def _seeds(company: Company) -> list[dict[str, Json]]:
    profile = company.profile
    tax: dict[str, Json] = {"UsingSalesTax": profile.using_sales_tax}
    if profile.partner_tax is not None:
        tax["PartnerTaxEnabled"] = profile.partner_tax
    preferences: dict[str, Json] = {
        "AccountingInfoPrefs": {
            "FirstMonthOfFiscalYear": "January",
            "UseAccountNumbers": False,
            "TaxYearMonth": "January",
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": False,
            "TrackDepartments": False,
            "CustomerTerminology": "Customers",
            "TaxForm": "6",
        },
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityWithPriceAndRate": True,
            "QuantityOnHand": True,
        },
        "SalesFormsPrefs": _sales_forms(),
        "EmailMessagesPrefs": _email_messages(),
        "VendorAndPurchasesPrefs": {"TrackingByCustomer": True, "BillableExpenseTracking": True},
        "TimeTrackingPrefs": {
            "UseServices": True,
            "BillCustomers": True,
            "ShowBillRateToAll": False,
            "WorkWeekStartDate": "Monday",
            "MarkTimeEntriesBillable": True,
        },
        "TaxPrefs": tax,
        "CurrencyPrefs": {
            "MultiCurrencyEnabled": company.multicurrency,
            "HomeCurrency": {"value": profile.currency},
        },
        "ReportPrefs": {"ReportBasis": "Accrual", "CalcAgingReportFromTxnDate": False},
        "OtherPrefs": _other(),
    }
    return [preferences]


def _sales_forms() -> dict[str, Json]:
    return {
        "CustomTxnNumbers": False,
        "AllowDeposit": True,
        "AllowDiscount": True,
        "AllowShipping": False,
        "AllowServiceDate": False,
        "AllowEstimates": True,
        "AutoApplyCredit": False,
        "AutoApplyPayments": True,
        "DefaultTerms": {"value": "3"},
        "DefaultCustomerMessage": "Thank you for your business!",
        "EmailCopyToCompany": False,
        "ETransactionAttachPDF": False,
        "ETransactionEnabledStatus": "NotApplicable",
        "ETransactionPaymentEnabled": False,
        "IPNSupportEnabled": False,
        "UsingPriceLevels": False,
        "UsingProgressInvoicing": False,
    }


def _email_messages() -> dict[str, Json]:
    return {
        f"{form}Message": {"Subject": f"{form} from your supplier", "Message": "Please find it attached."}
        for form in ("Invoice", "Estimate", "SalesReceipt", "Statement")
    }


def _other() -> dict[str, Json]:
    pairs = {
        "SalesFormsPrefs.DefaultCustomerMessage": "Thank you for your business!",
        "SalesFormsPrefs.DefaultItem": "1",
        "VendorAndPurchasesPrefs.UseCustomTxnNumbers": "false",
        "WarnDuplicateJournalNumber": "true",
        "TimeTrackingPrefs.WorkWeekStartDate": "Monday",
    }
    rows: list[Json] = [{"Name": name, "Value": value} for name, value in pairs.items()]
    return {"NameValue": rows}


ENTITY = Entity(
    name="Preferences",
    space="Preferences",
    singleton=True,
    seeds=_seeds,
    rules=_rules,
    fields=(
        _group(
            "AccountingInfoPrefs",
            "ClassTrackingPerTxn ClassTrackingPerTxnLine TrackDepartments CustomerTerminology"
            " DepartmentTerminology",
            "FirstMonthOfFiscalYear UseAccountNumbers TaxYearMonth TaxForm BookCloseDate",
        ),
        _group(
            "ProductAndServicesPrefs",
            "ForSales ForPurchase QuantityWithPriceAndRate QuantityOnHand",
            "RevenueRecognition RevenueRecognitionFrequency",
        ),
        _group(
            "SalesFormsPrefs",
            "CustomTxnNumbers AllowDeposit AllowDiscount AllowShipping AllowServiceDate AllowEstimates"
            " DefaultTerms DefaultCustomerMessage EmailCopyToCompany ETransactionAttachPDF SalesEmailBcc"
            " SalesEmailCc EstimateMessage CustomField",
            "AutoApplyCredit AutoApplyPayments ETransactionEnabledStatus ETransactionPaymentEnabled"
            " IPNSupportEnabled UsingPriceLevels UsingProgressInvoicing DefaultDiscountAccount"
            " DefaultShippingAccount",
        ),
        _group("EmailMessagesPrefs", "InvoiceMessage EstimateMessage SalesReceiptMessage StatementMessage"),
        _group(
            "VendorAndPurchasesPrefs",
            "BillableExpenseTracking TrackingByCustomer DefaultTerms DefaultMarkup POCustomField",
            "DefaultMarkupAccount TPAREnabled",
        ),
        _group(
            "TimeTrackingPrefs",
            "MarkTimeEntriesBillable ShowBillRateToAll",
            "UseServices BillCustomers WorkWeekStartDate",
        ),
        _group("TaxPrefs", "", "UsingSalesTax PartnerTaxEnabled TaxGroupCodeRef"),
        _group("CurrencyPrefs", "", "MultiCurrencyEnabled HomeCurrency"),
        _group("ReportPrefs", "ReportBasis", "CalcAgingReportFromTxnDate"),
        _group("OtherPrefs", "", "NameValue"),
    ),
    accepted=words("status IntuitId CustomField AttachableRef"),
)
