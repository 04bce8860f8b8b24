"""Items 62 to 64 and 66 to 74 of the checklist: pushes and retries by hand."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.support.arithmetic import Line
from tests.support.mapped import employ

if TYPE_CHECKING:
    from tests.support.cli import Commands
    from tests.support.company import Company


@pytest.fixture
def company(company: Company) -> Company:
    """Nothing of it goes by itself: what SIP has is of the time before sync."""
    company.switch(enable_sync=False)
    return company


BEFORE = "  Before them went "


def push(syncd: Commands, company: Company, what: str, code: int = 0) -> str:
    """Its last line, but for what went before them: how many fared how."""
    lines = syncd("push", company.id, what, "--yes", code=code).out.splitlines()
    return [line for line in lines if not line.startswith(BEFORE)][-1]


def test_62_63_an_entry_that_failed_is_retried_from_the_entry_once_the_cause_is_put_right(
    company: Company, syncd: Commands
) -> None:
    company.switch(enable_sync=True, auto_timesheets=True)
    member = company.world.employ("Sam Ortega", company=company.id)
    company.edit("Employee", company.objects("Employee")[0]["Id"], Active=False)
    [entry] = company.sip.timesheet(member, 90)
    company.settle()
    badge, error = company.badge(entry)
    assert badge == "QB Error"
    assert error
    company.edit("Employee", company.objects("Employee")[0]["Id"], Active=True)
    for word in ("timesheet_entry", "timesheet-entries"):
        said = syncd("retry", company.id, word, entry).out
        company.settle()
    assert "There is nothing to retry" in said
    assert company.badge(entry) == ("QB Synced", None)


def test_64_71_entries_of_who_is_not_mapped_are_skipped_and_go_once_he_is(
    company: Company, syncd: Commands
) -> None:
    known = company.world.employ("Sam Ortega", company=company.id)
    new = company.sip.member("Kim Roy")
    company.sip.timesheet(known, 60)
    [first, second] = company.sip.timesheet(new, 60, 30)
    company.settle()
    lines = syncd("push", company.id, "timesheet-entries", "--yes").out.splitlines()
    assert lines[1] == "3 approved timesheet entries: 1 sent, 0 already there, 2 skipped."
    assert lines[2] == BEFORE + "1 service item, which they need."
    assert lines[3].startswith("  2 skipped: Employee not mapped: ")
    assert (
        f"syncd push {company.id} timesheet-entries"
        in syncd("retry", company.id, "timesheet-entry", first).out
    )
    employ(company.world.database, company.world.sandbox, company.id, company.realm, new, "Kim Roy")
    assert push(syncd, company, "timesheet-entries") == (
        "3 approved timesheet entries: 2 sent, 1 already there."
    )
    assert company.link("timesheet_entry", second) is not None


@pytest.mark.parametrize(
    ("what", "question"),
    [
        ("customers", "Push all 2 customers of"),
        ("invoices", "Push all 2 sent invoices of"),
        ("service-items", "Push all 2 active service items of"),
        ("payments", "Push all 2 collected payments of"),
        ("timesheet-entries", "Push all 2 approved timesheet entries of"),
    ],
)
def test_66_each_push_asks_first_and_cancelling_sends_nothing(
    company: Company, syncd: Commands, monkeypatch: pytest.MonkeyPatch, what: str, question: str
) -> None:
    sip = company.sip
    for customer in (sip.customer("Ann Lee"), sip.customer("Bo Diaz")):
        sip.payment(sip.invoice(customer))
    sip.service_item("Repair")
    sip.service_item("Cleaning")
    sip.timesheet(sip.member(), 60, 30)
    company.settle()
    company.mark()
    asked: list[str] = []

    def no(question: str) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("syncd.cli.push.has_person", lambda: True)
    monkeypatch.setattr("syncd.cli.push.click.confirm", no)
    assert syncd("push", company.id, what).out == "Nothing is sent.\n"
    assert asked[0].startswith(question)
    assert "Enable Sync is off" in asked[0]
    company.settle()
    assert company.asked() == []


def test_67_push_customers_sends_all_customers(company: Company, syncd: Commands) -> None:
    for name in ("Ann Lee", "Bo Diaz", "Cy Cole"):
        company.sip.customer(name)
    company.sip.customer("Gone", deleted_at="2026-01-01")
    company.settle()
    assert push(syncd, company, "customers") == "3 customers: 3 sent, 0 already there."
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee", "Bo Diaz", "Cy Cole"]


def test_68_69_push_invoices_sends_what_is_sent_or_paid_and_no_drafts(
    company: Company, syncd: Commands
) -> None:
    customer = company.sip.customer()
    for number, status in (("I-1", "sent"), ("I-2", "paid"), ("I-3", "draft")):
        company.sip.invoice(customer, number=number, status=status)
    company.settle()
    assert push(syncd, company, "invoices") == "2 sent invoices: 2 sent, 0 already there."
    assert [o["DocNumber"] for o in company.objects("Invoice")] == ["I-1", "I-2"]


def test_70_push_payments_sends_all_that_are_collected(company: Company, syncd: Commands) -> None:
    sip = company.sip
    customer = sip.customer()
    collected = [sip.payment(sip.invoice(customer), method=method) for method in ("cash", "card")]
    for status in ("pending", "failed"):
        sip.payment(sip.invoice(customer), status=status, method="ach")
    company.settle()
    assert push(syncd, company, "payments") == "2 collected payments: 2 sent, 0 already there."
    assert len(company.objects("Payment")) == 2
    assert all(company.payment(payment)["UnappliedAmt"] == 0 for payment in collected)


def test_71_push_timesheet_entries_sends_what_is_approved_from_the_start_date_on(
    company: Company, syncd: Commands
) -> None:
    member = company.world.employ("Sam Ortega", company=company.id)
    today = company.world.database.value("select syncd.company_today(%s)", (company.id,))
    sheets = {
        day: company.sip.timesheet(member, 60, 30, day=today - timedelta(days=day)) for day in (0, 1, 2, 3)
    }
    company.sip.timesheet(member, 60, day=today - timedelta(days=4), status="submitted")
    company.settle()
    said = syncd("settings", "set", company.id, "--timesheet-start-date", str(today - timedelta(days=2))).out
    assert "4 approved timesheet entries became due by this." in said
    assert f"syncd push {company.id} timesheet-entries" in said
    said = syncd("push", company.id, "timesheet-entries", "--yes").out
    assert f"Push all 6 approved timesheet entries of Company {company.id} dated on or after" in said
    assert "\n6 approved timesheet entries: 6 sent, 0 already there.\n" in said
    for day, entries in sheets.items():
        for entry in entries:
            assert (company.link("timesheet_entry", entry) is not None) == (day <= 2)


def test_72_pushing_twice_sends_nothing_the_second_time(company: Company, syncd: Commands) -> None:
    customer = company.sip.customer()
    for _ in range(3):
        company.sip.invoice(customer)
    company.settle()
    push(syncd, company, "invoices")
    company.mark()
    assert push(syncd, company, "invoices").startswith("There is nothing to push: QuickBooks has all 3 sent")
    company.sip.invoice(customer)
    assert push(syncd, company, "invoices") == "4 sent invoices: 1 sent, 3 already there."
    assert company.written() == ["Invoice"]
    assert len(company.objects("Invoice")) == 4


def test_73_after_an_error_is_put_right_a_push_brings_the_record_through(
    company: Company, syncd: Commands
) -> None:
    company.world.sandbox.post(company.realm, "vendor", {"DisplayName": "Ann Lee"})
    customer = company.sip.customer("Ann Lee")
    invoice = company.sip.invoice(customer)
    company.settle()
    said = push(syncd, company, "invoices", code=1)
    assert said.startswith(
        '  1 waiting: It waits for customer "Ann Lee", which goes first. That one failed: '
    )
    [vendor] = company.objects("Vendor")
    company.edit("Vendor", vendor["Id"], DisplayName="Ann Lee (vendor)")
    assert push(syncd, company, "invoices") == "1 sent invoice: 1 sent, 0 already there."
    assert company.invoice(invoice)["CustomerRef"]["value"] == company.link("customer", customer)


def test_73_so_it_is_with_what_waits_behind_what_waits(company: Company, syncd: Commands) -> None:
    company.world.sandbox.post(company.realm, "vendor", {"DisplayName": "Ann Lee"})
    invoice = company.sip.invoice(company.sip.customer("Ann Lee"))
    payment = company.sip.payment(invoice)
    company.settle()
    number = company.world.database.value("select number from sip.invoices where id = %s", (invoice,))
    why = (
        f'It waits for invoice "{number}", which goes first.'
        ' That one waits for customer "Ann Lee", which goes first. That one failed: '
    )
    assert push(syncd, company, "payments", code=1).startswith(f"  1 waiting: {why}")
    assert why in " ".join(syncd("explain", company.id, "payment", payment).out.split())
    company.edit("Vendor", company.objects("Vendor")[0]["Id"], DisplayName="Ann Lee (vendor)")
    said = syncd("retry", company.id, "payments", payment).out
    assert said.startswith(f'Payment "{number}" is tried again, and 2 records that it waits for.')
    company.settle()
    assert company.payment(payment)["UnappliedAmt"] == 0


def test_74_a_push_of_invoices_takes_along_what_goes_first(company: Company, syncd: Commands) -> None:
    sip = company.sip
    item = sip.service_item("Repair")
    sip.invoice(sip.customer("Ann Lee"), Line(Decimal(1), Decimal(80), item=item))
    sip.customer("Bo Diaz")
    company.settle()
    assert push(syncd, company, "invoices") == "1 sent invoice: 1 sent, 0 already there."
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]
    assert company.link("service_item", item) is not None
    sources = company.world.database.rows(
        "select entity_type, source::text from syncd.sync_log where company_id = %s order by 1", (company.id,)
    )
    assert sources == [("customer", "manual"), ("invoice", "manual"), ("service_item", "manual")]


def test_74_a_push_of_payments_takes_along_invoice_and_customer(company: Company, syncd: Commands) -> None:
    sip = company.sip
    payment = sip.payment(sip.invoice(sip.customer("Ann Lee")))
    sip.invoice(sip.customer("Bo Diaz"))
    company.settle()
    company.mark()
    assert push(syncd, company, "payments") == "1 collected payment: 1 sent, 0 already there."
    assert company.payment(payment)["UnappliedAmt"] == 0
    assert [o["DisplayName"] for o in company.objects("Customer")] == ["Ann Lee"]
    assert len(company.objects("Invoice")) == 1
    rows = company.world.database.rows(
        "select entity_type, source::text from syncd.sync_log where company_id = %s order by log_id",
        (company.id,),
    )
    kinds = [kind for kind, _ in rows]
    assert kinds.index("customer") < kinds.index("invoice") < kinds.index("payment")
    assert {source for _, source in rows} == {"manual"}
