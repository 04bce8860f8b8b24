"""Invoices: what of SIP's rows reaches the push module, and which changes of them are pushed."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from syncd.db.pool import SESSION
from syncd.db.queue import parse
from syncd.push import Refused, module_for
from tests.support.billing import AUTOMATED, Billing
from tests.support.engine import Engine

if TYPE_CHECKING:
    from tests.support.database import Begin, Database

HOUR = ("Labour", 2, 50, True)
"""A line of 100.00 without a service item."""


def invoicing(database: Database) -> None:
    """Company 1 with automated sales tax and invoices switched on, and the item of what has none in QuickBooks."""
    database.add_company(on=False)
    database.switch("1", enable_sync=True, auto_invoices=True)
    books = Billing(database)
    books.prefer(**AUTOMATED)
    books.link("default_item", "1", "Item", "33")


@pytest.fixture
def books(begun: Begin) -> Billing:
    return Billing(begun(invoicing))


@pytest.fixture
def ann(books: Billing) -> str:
    """A customer that QuickBooks has."""
    return books.customer()


@pytest.fixture
def engine(books: Billing, ann: str) -> Engine:
    """A worker; what was written so far is absorbed."""
    engine = Engine(books.database)
    engine.absorb()
    return engine


def round_of(engine: Engine) -> list[dict[str, Any]]:
    """What a daemon would push now, whatever is left out or parked having been seen to."""
    engine.absorb()
    lanes = engine.lease()
    if not lanes:
        return []
    jobs = engine.decide(lanes["1"])
    engine.release(lanes["1"])
    return jobs


def pushed(engine: Engine) -> list[str]:
    """Everything that is due is taken by QuickBooks, round after round; which, in order."""
    engine.absorb()
    epoch = engine.lease().get("1")
    done: list[str] = []
    while epoch is not None:
        jobs = engine.decide(epoch)
        for job in jobs:
            assert engine.push(epoch, job, f"Q{job['entity_type']}{job['entity_id']}") == "synced"
            done.append(f"{job['entity_type']} {job['entity_name']}")
        if not jobs and engine.again_in != 0:
            break
    if epoch is not None:
        engine.release(epoch)
    return done


def state(engine: Engine, id_: str) -> tuple[str, str | None] | None:
    """State and reason of an invoice's job."""
    found = engine.database.rows(
        "select state::text, reason from syncd.job where entity_type = 'invoice' and entity_id = %s", (id_,)
    )
    return found[0] if found else None


def write(books: Billing, statement: str, *values: object) -> None:
    books.database.execute(statement, values)


# ---- the document


def test_an_invoice_as_the_push_module_gets_it(books: Billing) -> None:
    books.choose("account_map", "discounts", "90")
    item = books.item(qbo_id="21")
    customer = books.customer(email=" ann@example.com ")
    invoice = books.invoice(
        customer,
        ("Drain cleaning", "1.5", "66.666667", True, item),
        ("Parts", 1, 25, False),
        number="INV-00007",
        subtotal=125,
        discount=Decimal("12.50"),
        discount_type="percent",
        discount_value=10,
        tax_rate=Decimal("8.50"),
        tax=Decimal("7.65"),
        po_number="PO-1",
        notes=" Gate code 12 ",
        terms="Net 30",
        service_address="1 Mill St",
    )
    assert books.row("invoice", invoice) == {
        "due": True,
        "name": "INV-00007",
        "skip": None,
        "missing": [],
        "unready": None,
        "document": {
            "number": "INV-00007",
            "date": "2026-08-14",
            "due_date": "2026-09-13",
            "customer": "58",
            "currency": "USD",
            "multicurrency": False,
            "sales_tax": "automated",
            "rate": Decimal("8.5"),
            "tax_code": None,
            "untaxed_code": None,
            "rates": None,
            "discount_account": "90",
            "default_item": "33",
            "lines": [
                {
                    "item": "21",
                    "description": "Drain cleaning",
                    "quantity": Decimal("1.500000"),
                    "unit_price": Decimal("66.666667"),
                    "taxable": True,
                },
                {
                    "item": None,
                    "description": "Parts",
                    "quantity": Decimal("1.000000"),
                    "unit_price": Decimal("25.000000"),
                    "taxable": False,
                },
            ],
            "subtotal": Decimal("125.00"),
            "discount": Decimal("12.50"),
            "tax": Decimal("7.65"),
            "total": Decimal("120.15"),
            "po_number": "PO-1",
            "notes": "Gate code 12",
            "terms": "Net 30",
            "service_address": "1 Mill St",
            "email": "ann@example.com",
            "email_unsubscribed": False,
        },
    }


def test_its_keys_are_those_that_the_push_module_names(books: Billing, ann: str) -> None:
    document = books.document(books.invoice(ann, HOUR))
    said = module_for("invoice").__doc__ or ""
    named = set(re.findall(r'"(\w+)"', said)) - {"rate_ref", "percent"}
    assert set(document) | set(document["lines"][0]) == named


def test_what_is_empty_is_null(books: Billing, ann: str) -> None:
    invoice = books.invoice(ann, HOUR, po_number=" ", notes="", terms=None, service_address="  ")
    document = books.document(invoice)
    assert [document[key] for key in ("po_number", "notes", "terms", "service_address", "email")] == [
        None, None, None, None, None,
    ]  # fmt: skip


def test_lines_keep_their_order(books: Billing, ann: str) -> None:
    invoice = books.invoice(ann, ("c", 1, 30, True), ("a", 1, 30, True), ("b", 1, 40, True))
    assert [line["description"] for line in books.document(invoice)["lines"]] == ["c", "a", "b"]
    write(books, "update sip.invoice_lines set position = 9 where description = 'c'")
    assert [line["description"] for line in books.document(invoice)["lines"]] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("columns", "job", "description"),
    [
        ({"mode": "fixed", "amount": 100}, None, "Fixed amount"),
        ({"mode": "fixed", "amount": 100}, "Kitchen remodel", "Kitchen remodel"),
        ({"mode": "percent", "percent": 50}, "Kitchen remodel", "50 % of Kitchen remodel"),
        ({"mode": "percent", "percent": "33.3300"}, "100 % tile", "33.33 % of 100 % tile"),
    ],
)
def test_an_invoice_without_lines_of_its_own_has_one_taxable_line_over_its_subtotal(
    books: Billing, ann: str, columns: dict[str, Any], job: str | None, description: str
) -> None:
    if job:
        columns = {**columns, "job_id": books.sip.job(ann, job)}
    row = books.row("invoice", books.invoice(ann, **columns))
    assert row["document"]["lines"] == [
        {
            "item": None,
            "description": description,
            "quantity": 1,
            "unit_price": Decimal("100.00"),
            "taxable": True,
        }
    ]
    assert (row["missing"], row["unready"], row["document"]["default_item"]) == ([], None, "33")


def test_lines_left_over_from_another_mode_do_not_count(books: Billing, ann: str) -> None:
    invoice = books.invoice(ann, ("Old", 1, 7, False), mode="fixed", amount=100)
    assert [line["description"] for line in books.document(invoice)["lines"]] == ["Fixed amount"]


@pytest.mark.parametrize(
    ("region", "preferences", "told"),
    [
        ("us", {"UsingSalesTax": True, "PartnerTaxEnabled": True}, "automated"),
        ("us", {"UsingSalesTax": True}, "manual"),
        ("us", {"UsingSalesTax": False}, "off"),
        ("us", {"UsingSalesTax": False, "PartnerTaxEnabled": True}, "off"),
        ("us", {"UsingSalesTax": True, "PartnerTaxEnabled": False}, "off"),
        ("us", {"UsingSalesTax": None, "PartnerTaxEnabled": None}, "manual"),
        ("us", {}, "manual"),
        ("ca", {"UsingSalesTax": True}, "codes"),
        ("global", {"UsingSalesTax": False}, "codes"),
    ],
)
def test_how_tax_is_told(
    books: Billing, ann: str, region: str, preferences: dict[str, Any], told: str
) -> None:
    books.prefer(region, TaxPrefs=preferences)
    assert books.document(books.invoice(ann, HOUR))["sales_tax"] == told


@pytest.mark.parametrize("preferences", ["null", "[]", '"x"', '{"TaxPrefs": []}', '{"TaxPrefs": null}'])
def test_preferences_of_an_odd_shape_stop_nothing(books: Billing, ann: str, preferences: str) -> None:
    write(books, "update syncd.company set preferences = %s::jsonb", preferences)
    assert books.document(books.invoice(ann, HOUR))["sales_tax"] == "manual"


@pytest.mark.parametrize(
    ("rate", "slot", "code"),
    [("13.00", "13", "T13"), ("8.25", "8.25", "T8"), ("0", "0", "T0"), ("10", "10", "T10")],
)
def test_tax_codes_are_found_by_the_rate_and_its_slot(
    books: Billing, ann: str, rate: str, slot: str, code: str
) -> None:
    books.prefer("ca", "CAD", TaxPrefs={"UsingSalesTax": True})
    books.rate(slot, code)
    books.rate("1", "wrong")
    books.choose("tax_map", "untaxed", "E")
    invoice = books.invoice(ann, ("a", 1, 60, True), ("b", 1, 40, False), tax_rate=rate)
    document = books.document(invoice)
    assert (document["tax_code"], document["untaxed_code"], document["currency"]) == (code, "E", "CAD")
    assert document["rates"] == [{"rate_ref": f"R{code}", "percent": Decimal(slot)}]


@pytest.mark.parametrize(
    ("region", "taxable", "tax", "codes"),
    [
        ("ca", True, 0, ("T", None)),
        ("ca", False, 0, (None, "E")),
        ("us", True, 5, ("T", None)),
        ("us", True, 0, (None, None)),
        ("us", False, 0, (None, None)),
    ],
)
def test_only_the_codes_that_an_invoice_needs_are_in_its_document(
    books: Billing, ann: str, region: str, taxable: bool, tax: int, codes: tuple[str | None, str | None]
) -> None:
    """Or choosing one later would send it again."""
    books.prefer(region, TaxPrefs={"UsingSalesTax": True})
    books.rate("5", "T")
    books.choose("tax_map", "untaxed", "E")
    document = books.document(books.invoice(ann, ("a", 1, 100, taxable), tax_rate=5, tax=tax))
    assert (document["tax_code"], document["untaxed_code"]) == codes


@pytest.mark.parametrize(
    ("discount", "allowed", "account"),
    [
        (10, {}, "90"),
        (10, {"AllowDiscount": True}, "90"),
        (10, {"AllowDiscount": False}, None),
        (0, {}, None),
    ],
)
def test_the_discount_account(
    books: Billing, ann: str, discount: int, allowed: dict[str, bool], account: str | None
) -> None:
    books.choose("account_map", "discounts", "90")
    books.prefer(**AUTOMATED, SalesFormsPrefs=allowed)
    invoice = books.invoice(ann, HOUR, discount=discount, discount_type="fixed", discount_value=discount)
    assert books.document(invoice)["discount_account"] == account


def test_the_item_chosen_for_lines_goes_before_the_one_that_syncd_makes(books: Billing, ann: str) -> None:
    invoice = books.invoice(ann, HOUR)
    assert books.document(invoice)["default_item"] == "33"
    books.choose("item_map", "time", "8")
    assert books.document(invoice)["default_item"] == "33"
    books.choose("item_map", "lines", "7")
    assert books.document(invoice)["default_item"] == "7"


# ---- what it waits for


def test_what_has_no_link_is_missing_each_once_and_the_customer_first(books: Billing) -> None:
    write(books, "delete from syncd.link")
    customer = books.customer("Bea", qbo_id=None)
    one, two = books.item("One", qbo_id=None), books.item("Two", qbo_id=None)
    known = books.item("Known", qbo_id="22")
    lines = [("x", 1, 20, True, item) for item in (one, two, one, known)]
    row = books.row("invoice", books.invoice(customer, *lines, ("free", 1, 20, True)))
    assert row["missing"] == [
        ("customer", customer),
        *sorted([("service_item", one), ("service_item", two)]),
        ("default_item", "1"),
    ]
    assert [line["item"] for line in row["document"]["lines"]] == [None, None, None, "22", None]


def test_the_item_of_what_has_none_is_not_missing_where_nothing_needs_it(books: Billing, ann: str) -> None:
    write(books, "delete from syncd.link where entity_type = 'default_item'")
    item = books.item()
    assert books.row("invoice", books.invoice(ann, (*HOUR, item)))["missing"] == []
    assert books.row("invoice", books.invoice(ann, mode="fixed", amount=100))["missing"] == [
        ("default_item", "1")
    ]
    books.choose("item_map", "lines", "7")
    assert books.row("invoice", books.invoice(ann, mode="fixed", amount=100))["missing"] == []


def test_an_item_chosen_for_lines_is_in_the_document_only_if_a_line_needs_it(
    books: Billing, ann: str
) -> None:
    """Or choosing one later would send it again."""
    books.choose("item_map", "lines", "7")
    assert books.document(books.invoice(ann, (*HOUR, books.item())))["default_item"] is None


def test_an_invoice_that_was_sent_needs_no_other_item_for_its_lines(books: Billing, ann: str) -> None:
    write(books, "delete from syncd.link where entity_type = 'default_item'")
    books.choose("item_map", "lines", "7")
    old = books.sent(books.invoice(ann, HOUR))
    write(books, "delete from syncd.item_map")
    write(books, "update sip.invoices set notes = 'x'")
    assert books.row("invoice", old)["missing"] == []
    [(verdict, item)] = books.database.rows(
        "select verdict, document ->> 'default_item' from syncd.judge('{1}', '{invoice}', array[%s])", (old,)
    )
    assert (verdict, item) == ("push", "7")


@pytest.mark.parametrize(
    ("subtotal", "lines", "said"),
    [
        ("100", [], "Invoice INV-00042 has no lines, and its subtotal is 100.00."),
        ("0", [], "Invoice INV-00042 has no lines, and its subtotal is 0.00."),
        ("125", [HOUR], "The lines of invoice INV-00042 come to 100.00, and its subtotal is 125.00."),
        ("100", [HOUR, ("x", 1, "0.03", True)], "come to 100.03, and its subtotal is 100.00."),
        ("100", [HOUR, ("x", 1, "0.02", True)], None),
        ("99.99", [HOUR], None),
        ("99.98", [HOUR], "come to 100.00, and its subtotal is 99.98."),
        ("1.49", [("x", "1.5", "0.33", False)] * 3, None),
        ("1.50", [("x", "1.5", "0.33", False)] * 3, None),
        ("1861.08", [("x", 1, "1861.075", True)], None),
    ],
)
def test_an_invoice_is_whole_when_its_lines_come_to_its_subtotal_but_for_their_rounding(
    books: Billing, ann: str, subtotal: str, lines: list[Any], said: str | None
) -> None:
    unready = books.row("invoice", books.invoice(ann, *lines, subtotal=Decimal(subtotal)))["unready"]
    assert unready is None if said is None else said in unready


# ---- signals: the ways into QuickBooks


def test_a_draft_and_its_edits_push_nothing(books: Billing, engine: Engine, ann: str) -> None:
    invoice = books.invoice(ann, HOUR, status="draft")
    assert round_of(engine) == []
    write(books, "update sip.invoices set notes = 'x'")
    write(books, "update sip.invoice_lines set quantity = 3")
    assert round_of(engine) == []
    assert state(engine, invoice) is None
    assert books.database.value("select count(*) from syncd.sync_log") == 0


def test_a_draft_that_stays_one_makes_no_signal_of_its_own(books: Billing, engine: Engine, ann: str) -> None:
    invoice = books.invoice(ann, status="draft", mode="fixed", amount=100)
    write(books, "update sip.invoices set notes = 'x', subtotal = 90, total = 90")
    write(books, "delete from sip.invoices where id = %s", invoice)
    assert engine.absorb() == 0


@pytest.mark.parametrize("status", ["sent", "paid"])
def test_a_draft_that_is_sent_or_paid_is_pushed(
    books: Billing, engine: Engine, ann: str, status: str
) -> None:
    invoice = books.invoice(ann, HOUR, status="draft")
    pushed(engine)
    write(books, "update sip.invoices set status = %s", status)
    [job] = round_of(engine)
    assert (job["entity_type"], job["entity_id"], job["operation"]) == ("invoice", invoice, "create")


def test_an_invoice_that_is_inserted_as_sent_is_pushed(books: Billing, engine: Engine, ann: str) -> None:
    books.invoice(ann, HOUR, status="sent")
    assert pushed(engine) == ["invoice INV-00042"]


def test_marking_many_as_sent_pushes_each_once(books: Billing, engine: Engine, ann: str) -> None:
    for number in range(12):
        books.invoice(ann, HOUR, status="draft", number=f"INV-{number:05}")
    pushed(engine)
    write(books, "update sip.invoices set status = 'sent'")
    assert sorted(pushed(engine)) == [f"invoice INV-{number:05}" for number in range(12)]
    write(books, "update sip.invoices set status = 'paid', paid_at = now()")
    assert pushed(engine) == []


def test_a_draft_that_is_deleted_leaves_nothing(books: Billing, engine: Engine, ann: str) -> None:
    invoice = books.invoice(ann, HOUR, status="draft")
    engine.absorb()
    write(books, "delete from sip.invoices")
    assert pushed(engine) == []
    assert state(engine, invoice) is None


@pytest.mark.parametrize(
    ("statement", "what"),
    [("update sip.invoices set status = 'draft'", "withdrawn"), ("delete from sip.invoices", "deleted")],
)
def test_an_invoice_withdrawn_after_it_was_sent_has_diverged_and_before_it_is_forgotten(
    books: Billing, engine: Engine, ann: str, statement: str, what: str
) -> None:
    invoice = books.invoice(ann, HOUR)
    engine.absorb()
    write(books, statement)
    assert pushed(engine) == []
    assert state(engine, invoice) is None

    invoice = books.invoice(ann, HOUR)
    assert pushed(engine)[-1] == "invoice INV-00042"
    write(books, statement)
    assert pushed(engine) == []
    found = state(engine, invoice)
    assert found
    assert found[0] == "diverged"
    assert what in (found[1] or "")


def test_an_invoice_whose_lines_come_later_waits_for_them_and_then_goes_whole(
    books: Billing, engine: Engine, ann: str
) -> None:
    invoice = books.invoice(ann, subtotal=125)
    assert round_of(engine) == []
    assert state(engine, invoice) == (
        "waiting",
        "Invoice INV-00042 has no lines, and its subtotal is 125.00. Give it its lines in SIP.",
    )
    books.lines(invoice, HOUR)
    assert round_of(engine) == []
    assert (state(engine, invoice) or ("", ""))[1] == (
        "The lines of invoice INV-00042 come to 100.00, and its subtotal is 125.00. Correct it in SIP."
    )
    books.lines(invoice, ("Parts", 1, 25, False))
    [job] = round_of(engine)
    assert [line["description"] for line in job["document"]["lines"]] == ["Labour", "Parts"]


def test_what_it_refers_to_goes_first_though_its_toggle_is_off(books: Billing, engine: Engine) -> None:
    write(books, "delete from syncd.link where entity_type = 'default_item'")
    item = books.item("Drains", qbo_id=None)
    books.invoice(books.customer("Bea", qbo_id=None), (*HOUR, item), ("free", 1, 25, True), subtotal=125)
    done = pushed(engine)
    assert set(done[:-1]) == {"customer Bea", "service_item Drains", "default_item SIP Services"}
    assert done[-1] == "invoice INV-00042"
    [(document,)] = books.database.rows("select document from syncd.link where entity_type = 'invoice'")
    assert document["customer"].startswith("Qcustomer")
    assert document["lines"][0]["item"] == f"Qservice_item{item}"
    assert document["default_item"] == "Qdefault_item1"


def test_a_line_that_moves_changes_both_invoices(books: Billing, engine: Engine, ann: str) -> None:
    one = books.invoice(ann, HOUR, ("Parts", 1, 25, True), subtotal=125, number="ONE")
    two = books.invoice(ann, HOUR, number="TWO")
    assert pushed(engine) == ["invoice ONE", "invoice TWO"]
    with books.database.connection.transaction():
        write(books, "update sip.invoice_lines set invoice_id = %s where description = 'Parts'", two)
        write(books, "update sip.invoices set subtotal = 100, total = 100 where id = %s", one)
        write(books, "update sip.invoices set subtotal = 125, total = 125 where id = %s", two)
    assert pushed(engine) == ["invoice ONE", "invoice TWO"]


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("number", "INV-9"),
        ("po_number", "PO-2"),
        ("notes", "x"),
        ("terms", "x"),
        ("service_address", "x"),
        ("issue_date", "2026-08-15"),
        ("due_date", "2026-10-01"),
        ("tax_rate", "7.00"),
        ("subtotal", "99.99"),
        ("discount", "1.00"),
        ("tax", "1.00"),
    ],
)
def test_each_column_that_quickbooks_is_told_of_counts(
    books: Billing, engine: Engine, ann: str, column: str, value: str
) -> None:
    books.invoice(ann, HOUR, status="paid")
    pushed(engine)
    total = ", total = 100 - 1" if column == "discount" else ", total = 100 + 1" if column == "tax" else ""
    total = ", total = 99.99" if column == "subtotal" else total
    write(books, f"update sip.invoices set {column} = %s{total}", value)  # noqa: S608 - of this file
    [job] = round_of(engine)
    assert job["operation"] == "update"


@pytest.mark.parametrize(
    ("column", "value"),
    [("description", "x"), ("quantity", "2.00005"), ("unit_price", "50.000001"), ("taxable", False)],
)
def test_each_column_of_a_line_counts(
    books: Billing, engine: Engine, ann: str, column: str, value: object
) -> None:
    books.invoice(ann, HOUR)
    pushed(engine)
    write(books, f"update sip.invoice_lines set {column} = %s", value)  # noqa: S608 - of this file
    assert pushed(engine) == ["invoice INV-00042"]


def test_another_customer_or_mode_counts(books: Billing, engine: Engine, ann: str) -> None:
    books.invoice(ann, HOUR)
    pushed(engine)
    write(books, "update sip.invoices set customer_id = %s", books.customer("Bea", qbo_id="59"))
    assert pushed(engine) == ["invoice INV-00042"]
    write(books, "update sip.invoices set mode = 'fixed', amount = 100")
    assert pushed(engine) == ["invoice INV-00042"]
    write(books, "update sip.invoices set job_id = %s", books.sip.job(ann))
    assert pushed(engine) == ["invoice INV-00042"]
    write(books, "update sip.invoices set mode = 'percent', percent = 50")
    assert pushed(engine) == ["invoice INV-00042"]
    write(books, "update sip.invoices set percent = 25")
    assert pushed(engine) == ["invoice INV-00042"]


# ---- what does not send it again


@pytest.mark.parametrize(
    "statement",
    [
        "update sip.invoices set viewed_at = now(), updated_at = now()",
        "update sip.invoices set sent_at = now(), portal_token = 'new link', branding_snapshot = '{}'",
        "update sip.invoices set status = 'paid', paid_at = now()",
        "update sip.invoices set notes = notes, discount_type = 'percent'",
        "update sip.invoice_lines set quantity = 2.0",
    ],
)
def test_sharing_viewing_and_paying_signal_nothing(
    books: Billing, engine: Engine, ann: str, statement: str
) -> None:
    books.invoice(ann, HOUR)
    pushed(engine)
    before = books.database.rows(
        "select fingerprint, generation from syncd.link where entity_type = 'invoice'"
    )
    write(books, statement)
    assert engine.absorb() == 0
    fingerprint = (
        "select fingerprint from syncd.judge('{1}', '{invoice}', array(select id::text from sip.invoices))"
    )
    assert books.database.rows(fingerprint) == [(before[0][0],)]


CHANGES = {
    "the tax code of its rate": lambda b: b.rate("5", "other"),
    "the tax code of what is untaxed": lambda b: b.choose("tax_map", "untaxed", "other"),
    "the account of discounts": lambda b: b.choose("account_map", "discounts", "other"),
    "the item of lines": lambda b: b.choose("item_map", "lines", "other"),
    "no item for lines": lambda b: b.database.execute("delete from syncd.item_map"),
    "none chosen any more": lambda b: b.database.execute(
        "with a as (delete from syncd.tax_map), b as (delete from syncd.account_map) delete from syncd.item_map"
    ),
    "the item of what has none": lambda b: b.database.execute(
        "update syncd.link set qbo_id = 'other' where entity_type = 'default_item'"
    ),
    "discounts switched off": lambda b: b.prefer(
        "ca", TaxPrefs={"UsingSalesTax": True}, SalesFormsPrefs={"AllowDiscount": False}
    ),
    "the customer's e-mail": lambda b: b.database.execute(
        "update sip.customers set email = 'new@example.com', email_unsubscribed = true"
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_chosen_or_changed_elsewhere_later_does_not_send_it_again(
    books: Billing, ann: str, change: str
) -> None:
    books.prefer("ca", TaxPrefs={"UsingSalesTax": True})
    books.rate("5", "T")
    books.choose("tax_map", "untaxed", "E")
    books.choose("account_map", "discounts", "90")
    books.choose("item_map", "lines", "7")
    fields = {"subtotal": 100, "discount": 10, "discount_type": "fixed", "discount_value": 10, "tax_rate": 5}
    lines = (("a", 1, 60, True), ("b", 1, 40, False))
    old = books.sent(books.invoice(ann, *lines, **fields))
    CHANGES[change](books)
    assert books.verdict(old) == "drop"
    if "item" not in change:
        new = books.invoice(ann, *lines, **fields)
        document = books.document(new)
        was = books.database.value("select document from syncd.link where entity_type = 'invoice'")
        assert any(document[key] != was[key] for key in was)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_chosen_first_after_it_was_sent_does_not_send_it_again(
    books: Billing, ann: str, change: str
) -> None:
    old = books.sent(books.invoice(ann, (*HOUR, books.item())))
    books.prefer("us", **AUTOMATED)
    if change != "discounts switched off":
        CHANGES[change](books)
    assert books.verdict(old) == "drop"


def test_sales_tax_set_up_later_does_not_send_it_again(books: Billing, ann: str) -> None:
    books.prefer("us", TaxPrefs={"UsingSalesTax": False})
    old = books.sent(books.invoice(ann, HOUR))
    books.prefer("us", **AUTOMATED)
    assert books.verdict(old) == "drop"
    assert books.document(old)["sales_tax"] == "automated"


def test_another_rate_takes_the_code_chosen_for_it_now(books: Billing, ann: str) -> None:
    books.prefer("ca", TaxPrefs={"UsingSalesTax": True})
    books.rate("5", "T5")
    old = books.sent(books.invoice(ann, HOUR, tax_rate=5, tax=5))
    books.rate("5", "other")
    books.rate("13", "T13")
    write(books, "update sip.invoices set tax_rate = 13, tax = 13, total = 113")
    [(document,)] = books.database.rows(
        "select document from syncd.judge('{1}', '{invoice}', array[%s])", (old,)
    )
    assert (document["tax_code"], document["rates"][0]["rate_ref"]) == ("T13", "RT13")


def test_a_new_email_is_in_the_next_push(books: Billing, ann: str) -> None:
    old = books.sent(books.invoice(ann, HOUR))
    write(books, "update sip.customers set email = 'new@example.com'")
    assert books.verdict(old) == "drop"
    write(books, "update sip.invoices set notes = 'x'")
    [(verdict, document)] = books.database.rows(
        "select verdict, document from syncd.judge('{1}', '{invoice}', array[%s])", (old,)
    )
    assert (verdict, document["email"]) == ("push", "new@example.com")


def test_an_item_deleted_in_sip_leaves_the_lines_that_were_sent_as_they_were(
    books: Billing, engine: Engine, ann: str
) -> None:
    item = books.item()
    old = books.invoice(ann, (*HOUR, item), ("Parts", 1, 25, True, item), subtotal=125)
    assert pushed(engine) == ["invoice INV-00042"]
    write(books, "delete from syncd.link where entity_type = 'default_item'")
    write(books, "delete from sip.service_items")
    assert pushed(engine) == []
    assert books.row("invoice", old)["missing"] == []
    new = books.invoice(ann, HOUR, number="NEW")
    assert books.row("invoice", new)["missing"] == [("default_item", "1")]
    write(books, "update sip.invoice_lines set description = 'Pipes' where description = 'Parts'")
    assert [line["item"] for line in books.document(old)["lines"]] == ["21", None]


# ---- another realm


def test_no_id_of_one_realm_is_used_for_another(books: Billing, ann: str) -> None:
    books.choose("account_map", "discounts", "90")
    books.choose("item_map", "lines", "7")
    books.rate("5", "T")
    item = books.item()
    old = books.sent(
        books.invoice(
            ann, (*HOUR, item), ("b", 1, 25, True), subtotal=125, discount=10, discount_type="fixed",
            discount_value=10, tax_rate=5, tax=5,
        )
    )  # fmt: skip
    books.connect("9131")
    books.prefer("us", TaxPrefs={"UsingSalesTax": True})
    row = books.row("invoice", old)
    assert row["missing"] == [("customer", ann), ("service_item", item), ("default_item", "1")]
    document = row["document"]
    assert [document[key] for key in ("customer", "tax_code", "rates", "discount_account", "default_item")] == [
        None, None, None, None, None,
    ]  # fmt: skip
    assert [line["item"] for line in document["lines"]] == [None, None]
    books.connect("9130")
    assert books.verdict(old) == "drop"


# ---- reading


@pytest.mark.parametrize("session", ["select", SESSION], ids=["anybody's", "the daemon's"])
def test_an_invoice_is_read_by_its_key_among_many(books: Billing, ann: str, session: str) -> None:
    """A view of many tables, joined to the list of those asked for, would be built for every invoice there is."""
    write(books, session)
    invoice = books.invoice(ann, HOUR)
    for _ in range(8):  # Postgres turns to a generic plan after five
        books.row("invoice", invoice)
    write(
        books,
        "insert into sip.invoices (organization_id, customer_id, number, due_date)"
        " select 1, %s, g::text, '2026-09-01' from generate_series(1, 3000) g",
        ann,
    )
    write(
        books,
        "insert into sip.invoice_lines (invoice_id, description, unit_price) select id, 'x', 1 from sip.invoices",
    )
    write(
        books,
        "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id)"
        " select '1', 'invoice', id::text, 'sandbox', '9130', 'Invoice', id::text from sip.invoices",
    )
    for _ in range(2):
        read = (
            "select coalesce(sum(seq_tup_read + coalesce(idx_tup_fetch, 0)), 0)::integer"
            " from pg_stat_xact_user_tables where schemaname in ('sip', 'syncd')"
        )
        with books.database.connection.transaction():
            before = books.database.value(read)
            books.row("invoice", invoice)
            assert books.database.value(read) - before < 40
        write(books, "analyze")


# ---- and what the push module makes of it


REGIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "automated": ("us", AUTOMATED),
    "manual": ("us", {"TaxPrefs": {"UsingSalesTax": True}}),
    "off": ("us", {"TaxPrefs": {"UsingSalesTax": False}}),
    "codes": ("ca", {"TaxPrefs": {"UsingSalesTax": True}}),
}


@pytest.fixture
def sample(database: Database) -> Billing:
    """An organization of the sample with all that an invoice refers to in QuickBooks and every mapping made."""
    database.execute(
        "select from sip_sample.fill(organizations => 1, customers => 120, seed => 11, name_clashes => 0)"
    )
    company = database.value("select max(id)::text from sip.organizations")
    database.execute(
        "insert into syncd.company (company_id, name, region, timezone) values (%s, 'One', 'us', 'America/Denver')",
        (company,),
    )
    books = Billing(database, company)
    books.connect("9130")
    database.execute(
        "insert into syncd.link (company_id, entity_type, sip_id, environment, realm_id, qbo_type, qbo_id)"
        " select c.company_id, r.kind, r.id, c.environment, c.realm_id, r.kind, r.id from syncd.company c,"
        " (select 'customer' as kind, id::text from sip.customers"
        "  union all select 'service_item', id::text from sip.service_items union all select 'default_item', %s) r",
        (company,),
    )
    books.choose("account_map", "discounts", "90")
    books.choose("tax_map", "untaxed", "E")
    for (rate,) in database.rows("select distinct trim_scale(tax_rate)::text from sip.invoices"):
        books.rate(rate, f"T{rate}")
    return books


@pytest.mark.parametrize("told", REGIONS)
def test_every_sent_invoice_of_the_sample_becomes_what_sip_says_or_is_refused_for_a_stated_reason(
    sample: Billing, told: str
) -> None:
    region, preferences = REGIONS[told]
    sample.prefer(region, **preferences)
    invoices = sample.database.rows(
        "select id::text, number, total, tax, issue_date, mode from sip.invoices where status <> 'draft'"
    )
    documents = {
        id_: (missing, unready, parse(document))
        for id_, missing, unready, document in sample.database.rows(
            "select entity_id, missing::text, unready, document::text"
            " from syncd.documents(array_fill('invoice'::text, array[%s]), %s)",
            (len(invoices), [id_ for id_, *_ in invoices]),
        )
    }
    assert len(invoices) > 200
    assert {mode for *_, mode in invoices} == {"line_items", "fixed", "percent"}
    for id_, number, total, tax, issued, _mode in invoices:
        missing, unready, document = documents[id_]
        assert (missing, unready) == ("{}", None)
        if told == "off" and tax:
            with pytest.raises(Refused, match=f"{number} has {tax} of tax") as refused:
                module_for("invoice").build(document, sent=None, qbo_id=None, sync_token=None)
            assert refused.value.code == "sales_tax_off"
            continue
        body = module_for("invoice").build(document, sent=None, qbo_id=None, sync_token=None)
        sold = sum(
            line["Amount"] for line in body.payload["Line"] if line["DetailType"] == "SalesItemLineDetail"
        )
        less = sum(
            line["Amount"] for line in body.payload["Line"] if line["DetailType"] == "DiscountLineDetail"
        )
        assert sold - less + (0 if told == "off" else body.payload["TxnTaxDetail"]["TotalTax"]) == total
        assert (body.name_sent, date.fromisoformat(body.payload["TxnDate"])) == (number, issued)


@pytest.mark.parametrize(
    ("missing_row", "told", "code"),
    [
        ("account_map", "automated", "discount_account_missing"),
        ("tax_map", "manual", "tax_code_missing"),
        ("tax_map", "codes", "tax_code_missing"),
    ],
)
def test_a_mapping_that_is_missing_refuses_those_that_need_it(
    sample: Billing, missing_row: str, told: str, code: str
) -> None:
    region, preferences = REGIONS[told]
    sample.prefer(region, **preferences)
    sample.database.execute(f"delete from syncd.{missing_row}")  # noqa: S608 - of this file
    codes: set[str | None] = set()
    for (id_,) in sample.database.rows("select id::text from sip.invoices where status <> 'draft' limit 100"):
        try:
            module_for("invoice").build(sample.document(id_), sent=None, qbo_id=None, sync_token=None)
            codes.add(None)
        except Refused as refused:
            codes.add(refused.code)
    assert codes <= {code, None}
    assert code in codes
