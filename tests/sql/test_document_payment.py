"""Payments: what of a row of SIP's reaches the push module, what goes first, and which changes of it are a signal."""

from __future__ import annotations

from base64 import b32encode
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from syncd.push import Refused, payment
from tests.support.billing import Billing
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database


def paying(database: Database) -> None:
    """Company 1, connected, with payments and no other type switched on, and the account that payments go to chosen."""
    database.add_company(on=False)
    database.switch("1", enable_sync=True, auto_payments=True)
    books = Billing(database)
    books.choose("account_map", "income", "79")
    books.choose("account_map", "undeposited_funds", "4")


@pytest.fixture
def books(begun: Begin) -> Billing:
    return Billing(begun(paying))


@pytest.fixture
def engine(books: Billing) -> Engine:
    return Engine(books.database)


def billed(books: Billing, number: str = "INV-00042", customer: str | None = None) -> str:
    """An invoice of 120.15 that QuickBooks has, with its customer; its id."""
    to = customer or books.customer()
    total = Decimal("120.15")
    return books.sent(books.invoice(to, ("Work", 1, total, False), number=number, subtotal=total))


def pay(books: Billing, invoice: str, amount: str = "120.15", **columns: Any) -> str:
    """A payment, collected in cash unless `columns` say otherwise; its id."""
    given = {"method": "cash", "status": "collected", "paid_on": date(2026, 12, 31), **columns}
    return books.sip.insert(
        "payments", organization_id=books.company, invoice_id=invoice, amount=amount, **given
    )


def has_method(books: Billing, name: str = "Cash", qbo_id: str = "2") -> None:
    """QuickBooks has the payment method of this name."""
    books.link("payment_method", f"{books.company}/{name.lower()}", "PaymentMethod", qbo_id)


def due(engine: Engine) -> list[tuple[str, str]]:
    """What a daemon would push now: type and name. What something waits for is decided in the next round."""
    engine.absorb()
    lanes = engine.lease()
    if not lanes:
        return []
    jobs = engine.decide(lanes["1"])
    if engine.again_in == 0:
        jobs += engine.decide(lanes["1"])
    engine.release(lanes["1"])
    return [(job["entity_type"], job["entity_name"]) for job in jobs]


def settled(engine: Engine, qbo_id: str = "301") -> None:
    """Absorb, decide and push the one payment that is due."""
    engine.absorb()
    epoch = engine.lease()["1"]
    [job] = engine.decide(epoch)
    assert engine.push(epoch, job, qbo_id) == "synced"
    engine.release(epoch)


def diverged(books: Billing) -> str:
    """The sentence of the one payment that QuickBooks has otherwise now, of which there is one log row."""
    [(state, reason)] = books.database.rows("select state::text, reason from syncd.job")
    assert state == "diverged"
    assert books.database.rows("select status::text, error from syncd.sync_log where error is not null") == [
        ("error", reason)
    ]
    return str(reason)


# ---- the document


def test_a_payment_as_the_push_module_gets_it(books: Billing) -> None:
    has_method(books)
    invoice = billed(books)
    id_ = pay(books, invoice, tip="20.00", note=" cheque 12 ")
    assert books.row("payment", id_) == {
        "due": True,
        "name": "INV-00042",
        "skip": None,
        "missing": [],
        "unready": None,
        "document": {
            "amount": Decimal("120.15"),
            "date": "2026-12-31",
            "customer": "58",
            "invoice": f"Q{invoice}",
            "invoice_number": "INV-00042",
            "expected_open": Decimal("120.15"),
            "method": "2",
            "deposit_account": "4",
            "reference": payment_reference("1", id_),
            "currency": "USD",
            "multicurrency": False,
            "note": "cheque 12",
            "auto_apply_credit": False,
        },
    }
    books.prefer(currency="CAD", SalesFormsPrefs={"AutoApplyCredit": True})
    document = books.document(id_, "payment")
    assert (document["currency"], document["auto_apply_credit"]) == ("CAD", True)


def test_the_module_builds_it(books: Billing) -> None:
    has_method(books)
    document = books.document(pay(books, billed(books)), "payment")
    payload = payment.build(document, sent=None, qbo_id=None, sync_token=None).payload
    assert (payload["TotalAmt"], payload["TxnDate"]) == (Decimal("120.15"), "2026-12-31")
    assert len(payload["PaymentRefNum"]) == 20


@pytest.mark.parametrize("said", [None, False, "false", "nonsense", {"deep": 1}])
def test_whatever_quickbooks_says_of_credits_a_payment_has_a_document(books: Billing, said: object) -> None:
    id_ = pay(books, billed(books))
    for preferences in ({"SalesFormsPrefs": {"AutoApplyCredit": said}}, {"SalesFormsPrefs": None}, {}):
        books.prefer(**preferences)
        assert books.document(id_, "payment")["auto_apply_credit"] is False


def payment_reference(company: str, id_: str) -> str:
    return "SIP-" + b32encode(sha256(f"{company}/{id_}".encode()).digest()[:10]).decode()


@pytest.mark.parametrize(
    ("company", "id_"),
    [("1", "1"), ("1", "8812"), ("18", "812"), ("1881", "2"), ("Zoë", "1"), ("9e0b5a4e-6e5f", "0c0f")],
)
def test_a_reference_is_base_32_of_company_and_payment(database: Database, company: str, id_: str) -> None:
    reference = database.value("select syncd.payment_reference(%s, %s)", (company, id_))
    assert reference == payment_reference(company, id_)
    assert len(reference) == 20


def test_every_letter_of_base_32_is_the_one_of_the_standard(database: Database) -> None:
    letters: set[str] = set()
    for number, reference in database.rows(
        "select n::text, syncd.payment_reference('1', n::text) from generate_series(1, 100) n"
    ):
        assert reference == payment_reference("1", number)
        letters |= set(reference.removeprefix("SIP-"))
    assert len(letters) == 32


@pytest.mark.parametrize(
    ("method", "name"),
    [
        ("card", "Credit Card"),
        ("ach", "ACH"),
        ("apple_pay", "Credit Card"),
        ("cash", "Cash"),
        ("check", "Check"),
        ("zelle", "Other"),
        ("other", "Other"),
    ],
)
def test_each_method_goes_under_the_name_it_is_mapped_to(books: Billing, method: str, name: str) -> None:
    id_ = pay(books, billed(books), method=method)
    assert books.row("payment", id_)["missing"] == [("payment_method", f"1/{name.lower()}")]
    has_method(books, name, "9")
    row = books.row("payment", id_)
    assert (row["missing"], row["document"]["method"]) == ([], "9")


def test_another_name_is_for_payments_not_yet_sent(books: Billing, engine: Engine) -> None:
    has_method(books)
    has_method(books, "Petty cash", "8")
    old = pay(books, billed(books))
    settled(engine)
    books.database.execute(
        "update syncd.payment_method_map set qbo_name = 'Petty cash' where method = 'cash'"
    )
    new = pay(books, billed(books, "INV-00043", books.customer("Bob", "59")))
    assert books.verdict(old, "payment") == "drop"
    assert books.document(new, "payment")["method"] == "8"


def test_two_names_that_differ_in_case_are_one_method(books: Billing) -> None:
    books.database.execute("update syncd.payment_method_map set qbo_name = ' cASH ' where method = 'check'")
    has_method(books)
    invoice = billed(books)
    for method in ("cash", "check"):
        assert books.document(pay(books, invoice, method=method), "payment")["method"] == "2"


@pytest.mark.parametrize(
    ("gone", "code"),
    [("payment_method_map", "method_missing"), ("account_map", "deposit_account_missing")],
)
def test_without_a_mapping_the_module_refuses_with_its_code(books: Billing, gone: str, code: str) -> None:
    has_method(books)
    books.database.execute(f"delete from syncd.{gone}")  # noqa: S608 - of this file
    row = books.row("payment", pay(books, billed(books)))
    assert row["missing"] == []
    with pytest.raises(Refused) as refused:
        payment.build(row["document"], sent=None, qbo_id=None, sync_token=None)
    assert refused.value.code == code


def test_an_account_of_another_realm_is_not_used(books: Billing) -> None:
    id_ = pay(books, billed(books))
    books.connect("9131")
    assert books.document(id_, "payment")["deposit_account"] is None


# ---- what goes first


def test_a_payment_waits_for_its_invoice_which_waits_for_its_customer(books: Billing, engine: Engine) -> None:
    """Neither has its toggle on."""
    has_method(books)
    customer = books.customer(qbo_id=None)
    invoice = books.invoice(customer, status="paid")
    id_ = pay(books, invoice, "100.00")
    assert books.row("payment", id_)["missing"] == [("invoice", invoice), ("customer", customer)]
    assert due(engine) == [("customer", "Ann Lee")]
    assert books.database.rows(
        "select entity_type, reason from syncd.job where reason is not null order by 1"
    ) == [
        ("invoice", 'It waits for customer "Ann Lee", which goes first.'),
        ("payment", 'It waits for invoice "INV-00042", which goes first.'),
    ]


def test_a_payment_makes_its_method_known(books: Billing, engine: Engine) -> None:
    pay(books, billed(books))
    assert due(engine) == [("payment_method", "Cash")]
    assert (
        books.database.value("select waits_on::text from syncd.job where entity_type = 'payment'") == "record"
    )
    row = books.row("payment_method", "1/cash")
    assert (row["due"], row["document"]) == (True, {"name": "Cash"})


def test_a_method_that_quickbooks_has_is_left_alone(books: Billing) -> None:
    has_method(books, "Credit Card", "7")
    books.database.execute(
        "update syncd.payment_method_map set qbo_name = 'CREDIT CARD' where method = 'card'"
    )
    assert books.verdict("1/credit card", "payment_method") == "drop"


# ---- what is due, and what signals


def test_a_collected_payment_is_pushed(books: Billing, engine: Engine) -> None:
    has_method(books)
    pay(books, billed(books))
    assert due(engine) == [("payment", "INV-00042")]


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_what_is_not_collected_signals_nothing(books: Billing, engine: Engine, status: str) -> None:
    invoice = billed(books)
    engine.absorb()
    id_ = pay(books, invoice, status=status, paid_on=None)
    books.sip.update("payments", id_, amount="100.00", method="ach")
    books.sip.delete("payments", id_)
    assert engine.absorb() == 0


def test_a_bank_transfer_is_pushed_when_it_is_collected(books: Billing, engine: Engine) -> None:
    has_method(books, "ACH", "3")
    id_ = pay(books, billed(books), method="ach", status="pending", paid_on=None)
    assert due(engine) == []
    books.sip.update("payments", id_, status="collected", paid_on=date(2027, 1, 4))
    assert due(engine) == [("payment", "INV-00042")]
    assert books.document(id_, "payment")["date"] == "2027-01-04"


def test_nothing_collected_is_skipped_and_needs_no_invoice(books: Billing, engine: Engine) -> None:
    pay(books, books.invoice(books.customer(qbo_id=None), status="paid"), "0.00")
    assert due(engine) == []
    assert books.database.rows("select entity_name, status::text, error from syncd.sync_log") == [
        ("INV-00042", "skipped", "The payment is of 0.00: nothing was collected.")
    ]
    assert books.database.value("select count(*) from syncd.job") == 0


@pytest.mark.parametrize(
    "edit",
    [
        {"note": "second cheque"},
        {"tip": "5.00"},
        {"updated_at": "2027-01-01"},
        {"stripe_charge_id": "ch_1"},
    ],
)
def test_what_quickbooks_is_not_told_again_signals_nothing(
    books: Billing, engine: Engine, edit: dict[str, Any]
) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    settled(engine)
    books.sip.update("payments", id_, **edit)
    assert engine.absorb() == 0
    assert books.verdict(id_, "payment") == "drop"


@pytest.mark.parametrize("edit", [{"method": "check"}, {"paid_on": date(2027, 1, 2)}])
def test_a_payment_is_never_updated(books: Billing, engine: Engine, edit: dict[str, Any]) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    settled(engine)
    books.sip.update("payments", id_, **edit)
    assert engine.absorb() == 1, "a payment that was refused for it is sent by this"
    assert due(engine) == []
    assert books.database.value("select count(*) from syncd.job") == 0


def test_a_payment_that_is_no_longer_collected_is_said_to_have_diverged(
    books: Billing, engine: Engine
) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    settled(engine)
    books.sip.update("payments", id_, status="refunded")
    assert due(engine) == []
    assert "withdrawn in Service Invoice Pro" in diverged(books)
    books.sip.update("payments", id_, status="collected")
    assert due(engine) == []
    assert books.database.value("select count(*) from syncd.job") == 0


def test_a_deleted_payment_is_said_to_have_diverged(books: Billing, engine: Engine) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    settled(engine)
    books.sip.delete("payments", id_)
    assert due(engine) == []
    assert "deleted in Service Invoice Pro" in diverged(books)


@pytest.mark.parametrize("amount", ["100.00", "0.00"])
def test_another_amount_is_said_to_have_diverged(books: Billing, engine: Engine, amount: str) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    settled(engine)
    books.sip.update("payments", id_, amount=amount)
    assert due(engine) == []
    assert "(amount)" in diverged(books)
    books.sip.update("payments", id_, amount="120.15")
    assert due(engine) == []
    assert books.database.value("select count(*) from syncd.job") == 0


def test_another_invoice_is_said_to_have_diverged(books: Billing, engine: Engine) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    settled(engine)
    other = books.invoice(books.customer("Bob", "59"), number="INV-00043")
    engine.absorb()
    books.sip.update("payments", id_, invoice_id=other)
    assert due(engine) == []
    assert "(invoice)" in diverged(books)


def test_an_admin_judges_payments_as_the_daemon_does(books: Billing) -> None:
    has_method(books)
    id_ = pay(books, billed(books))
    with psycopg.connect(books.database.admin_dsn) as admin:
        judged = admin.execute(
            "select verdict from syncd.judge('{1}', array['payment'], array[%s])", (id_,)
        ).fetchall()
    assert judged == [("push",)]
