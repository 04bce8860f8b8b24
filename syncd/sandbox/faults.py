"""What QBO answers when it refuses: one exception, one constructor per case.

Codes, messages and details follow Intuit's pages "Error codes" and "Handling
common errors"; where those give no detail text, the text is modelled on errors
integrators have published. Clients must branch on the code alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from syncd.sandbox.clock import envelope_time
from syncd.sandbox.wire import Json

VALIDATION = "ValidationFault"
SYSTEM = "SystemFault"

INACTIVE_TEXT = (
    "Something you're trying to use has been made inactive. "
    "Check the fields with accounts, customers, items, vendors or employees."
)
LOCK_TEXT = "You can only add or edit one name at a time. Please try again."


@dataclass(frozen=True)
class Error:
    """One entry of a fault. `element` None leaves the attribute out."""

    code: str
    message: str
    detail: str
    element: str | None = ""


class QboFaultError(Exception):
    """A refusal by QBO: HTTP status, fault type and errors.

    `gateway` marks the refusals that come from in front of the accounting
    service (authentication, authorization, throttling) and look different.
    `definite` is False where a repeat of the very same call may succeed; such
    an answer is never kept for replay.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        errors: Sequence[Error],
        *,
        gateway: bool = False,
        definite: bool = True,
    ) -> None:
        super().__init__(errors[0].detail)
        self.status = status
        self.kind = kind
        self.errors = tuple(errors)
        self.gateway = gateway
        self.definite = definite and not gateway

    @property
    def code(self) -> str:
        """The code of the first error."""
        return self.errors[0].code

    def document(self, epoch: float, *, lower: bool) -> dict[str, Json]:
        """The answer's body at time `epoch`; `lower` selects the gateway's own shape."""
        if self.gateway and lower:
            return _gateway_document(self, epoch)
        errors: list[Json] = []
        for error in self.errors:
            entry: dict[str, Json] = {"Message": error.message, "Detail": error.detail, "code": error.code}
            if error.element is not None:
                entry["element"] = error.element
            errors.append(entry)
        return {"Fault": {"Error": errors, "type": self.kind}, "time": envelope_time(epoch)}


def _gateway_document(fault: QboFaultError, epoch: float) -> dict[str, Json]:
    errors: list[Json] = [
        {"message": error.message, "detail": error.detail, "code": error.code, "element": None}
        for error in fault.errors
    ]
    return {
        "warnings": None,
        "intuitObject": None,
        "fault": {"error": errors, "type": fault.kind},
        "report": None,
        "queryResponse": None,
        "batchItemResponse": [],
        "attachableResponse": [],
        "syncErrorResponse": None,
        "requestId": None,
        "time": int(epoch * 1000),
        "status": None,
        "cdcresponse": [],
    }


def validation(code: str, message: str, detail: str, element: str | None = "") -> QboFaultError:
    """A definite refusal of the content: HTTP 400, ValidationFault."""
    return QboFaultError(400, VALIDATION, [Error(code, message, detail, element)])


def unauthenticated(detail: str) -> QboFaultError:
    """401, code 3200: no token, a malformed one, or one that no longer works."""
    message = "message=AuthenticationFailed; errorCode=003200; statusCode=401"
    return QboFaultError(401, "AUTHENTICATION", [Error("3200", message, detail)], gateway=True)


def unauthorized() -> QboFaultError:
    """403, code 3100: the token does not belong to this realm, or lacks the scope."""
    message = "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403"
    detail = "The application is not authorized for this company or scope."
    return QboFaultError(403, "AUTHORIZATION", [Error("3100", message, detail)], gateway=True)


def throttled(code: str) -> QboFaultError:
    """429, code 3001 (or spelled 003001)."""
    message = "message=ThrottleExceeded; errorCode=003001; statusCode=429"
    detail = "The request limit was reached.  Try again later"
    return QboFaultError(429, "SERVICE", [Error(code, message, detail)], gateway=True)


def no_such_path() -> QboFaultError:
    """404: a path no resource answers to (paths are case sensitive)."""
    error = Error("500", "Unsupported Operation", "Operation resource path is not supported.")
    return QboFaultError(404, "SERVICE", [error])


def wrong_content_type(given: str) -> QboFaultError:
    """415, code 1050: a body that is not what the resource reads."""
    error = Error("1050", "Invalid Content Type", f"Content-Type {given or '(none)'} is not supported.")
    return QboFaultError(415, VALIDATION, [error])


def unsupported(operation: str) -> QboFaultError:
    """500 Unsupported Operation, with HTTP 400."""
    return validation("500", "Unsupported Operation", f"Operation {operation} is not supported.")


def not_utf8() -> QboFaultError:
    """500 as well: bytes that are not UTF-8."""
    return unsupported(
        "com.sun.org.apache.xerces.internal.impl.io.MalformedByteSequenceException: "
        "Invalid byte 1 of 1-byte UTF-8 sequence"
    )


def duplicate_request() -> QboFaultError:
    """600: the requestid's first call is still running. A later repeat is replayed."""
    error = Error("600", "Duplicate Request ID", "A request with this requestid is being processed.")
    return QboFaultError(400, VALIDATION, [error], definite=False)


def not_found() -> QboFaultError:
    """610: no such object, deleted, or made inactive."""
    return validation("610", "Object Not Found", f"Object Not Found : {INACTIVE_TEXT}")


def batch_too_big(most: int) -> QboFaultError:
    """1040: more items in a batch than allowed."""
    detail = f"Batch size exceeds allowed limit. The maximum is {most}."
    return validation("1040", "Batch size exceeds allowed limit", detail)


def bad_property(detail: str | None = None) -> QboFaultError:
    """2010: an attribute QBO does not know, JSON of the wrong type, or no JSON at all.

    `detail` is what stands behind "Property Name:"; the current wording, which
    names nothing, by default.
    """
    text = detail or "failed to parse json object; a property specified"
    return validation(
        "2010",
        "Request has invalid or unsupported property",
        f"Property Name:{text} is unsupported or invalid",
        None,
    )


def required(parameter: str) -> QboFaultError:
    """2020: an attribute that must be there is not."""
    return validation(
        "2020",
        "Required param missing, need to supply the required value for the API",
        f"Required parameter {parameter} is missing in the request",
        parameter,
    )


def bad_id(value: str, element: str = "Id") -> QboFaultError:
    """2030: an id that is not a number."""
    return validation("2030", "Invalid ID", f"Id should be a valid number. Supplied value:{value}", element)


def bad_string(element: str, value: str) -> QboFaultError:
    """2040: characters this attribute must not hold."""
    return validation("2040", "Invalid String", f"Invalid String : {value}", element)


def bad_length(element: str, limit: int, length: int) -> QboFaultError:
    """2050: too long. Lengths are those of the API reference's attribute tables."""
    return validation(
        "2050",
        "String length is either shorter or longer than supported by specification",
        "String length specified does not match the supported length. "
        f"Min:0 Max:{limit} supported. Supplied length:{length}",
        element,
    )


def bad_format(code: str, what: str, element: str, value: str) -> QboFaultError:
    """2060 to 2200: a date, number, address and so on that cannot be read as one."""
    return validation(code, f"Invalid {what}", f"Invalid {what} : Supplied value:{value}", element)


def bad_reference(space: str, identifier: str, *, inactive: bool = False) -> QboFaultError:
    """2500: a reference to an object that is not there, or is inactive."""
    text = INACTIVE_TEXT if inactive else f"{space} element id {identifier} not found"
    return validation("2500", "Invalid Reference Id", f"Invalid Reference Id : {text}", "Reference Id")


def stale(entity: str) -> QboFaultError:
    """5010: the SyncToken is not the object's present one."""
    return validation(
        "5010",
        "Stale Object Error",
        "Stale Object Error : You and Sandbox User were working on this at the same time. "
        "Sandbox User finished before you did, so your work was not saved. "
        f"Entity={entity}",
    )


def business(detail: str, *, definite: bool = True) -> QboFaultError:
    """6000: a business rule; only the detail says which."""
    message = "A business validation error has occurred while processing your request"
    error = Error("6000", message, f"Business Validation Error: {detail}")
    return QboFaultError(400, VALIDATION, [error], definite=definite)


def names_locked() -> QboFaultError:
    """6000 again: two name-list writes at once. The same call may succeed later."""
    return business(LOCK_TEXT, definite=False)


def duplicate_name() -> QboFaultError:
    """6240: the name is in use by a customer, vendor or employee."""
    return validation(
        "6240",
        "Duplicate Name Exists Error",
        "The name supplied already exists. : Another customer, vendor or employee is already using this "
        "name. Please use a different name.",
    )


def books_closed(code: str, entity: str) -> QboFaultError:
    """6210 or 6200: the transaction's date is in books that are closed. Some saw 5010 instead."""
    if code == "5010":
        return stale(entity)
    detail = (
        "The account period has closed and the account books cannot be updated through the QBO Services API. "
        "Please use the QBO website to make these changes."
    )
    return validation(code, "Account Period Closed, Cannot Update Through Services API", detail)


def duplicate_number(number: str, entity: str, identifier: str) -> QboFaultError:
    """6140: the DocNumber is in use."""
    detail = (
        "Duplicate Document Number Error : You must specify a different number. This number has already been used. "
        f"DocNumber={number} is assigned to TxnType={entity} with TxnId={identifier}"
    )
    return validation("6140", "Duplicate Document Number Error", detail)


def wrong_amount(given: str) -> QboFaultError:
    """6070: a line's Amount is not Qty times UnitPrice."""
    detail = f"Amount is not equal to UnitPrice * Qty. Supplied value:{given}"
    return validation("6070", "Amount calculation incorrect in the request", detail, "Line.Amount")


def category_on_line() -> QboFaultError:
    """2500 as well: an item that is only a category."""
    detail = "An item in this transaction is set up as a category instead of a product or service."
    return validation("2500", "Invalid Reference Id", f"Invalid Reference Id : {detail}", "Reference Id")


def not_linkable(detail: str) -> QboFaultError:
    """620: two transactions that cannot be linked."""
    return validation(
        "620", "Transaction cannot be linked", f"Transaction cannot be linked : {detail}", "TxnId"
    )


def deposited() -> QboFaultError:
    """6540: a payment that is part of a deposit."""
    detail = (
        "This transaction has been deposited. If you want to change or delete it, you must edit the deposit it "
        "appears on and remove it first."
    )
    return validation("6540", "Deposited Transaction cannot be changed", detail)


def duplicate_list_name(entity: str) -> QboFaultError:
    """6240 for a list that is not customers, vendors and employees."""
    detail = f"The name supplied already exists. : Another {entity} is already using this name."
    return validation("6240", "Duplicate Name Exists Error", detail)


def wrong_account(element: str, wanted: str) -> QboFaultError:
    """6430: a reference to an account of a type that cannot be used there."""
    detail = f"Invalid account type used : {element} must be of type {wanted}"
    return validation("6430", "Invalid account type used", detail, element)


def system_failure(detail: str) -> QboFaultError:
    """10000 with HTTP 500: QBO could not carry the request out."""
    message = "An application error has occurred while processing your request"
    error = Error("10000", message, f"System Failure Error: {detail}", "SystemFailureError")
    return QboFaultError(500, SYSTEM, [error], definite=False)
