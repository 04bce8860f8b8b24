"""Invoices and payments as SIP writes them: its arithmetic, its numbers, its statuses."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from syncd.demo.businesses import Business
    from syncd.demo.sip import Session

CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Line:
    """A line: `item` is the name of a service item, None for free text."""

    item: str | None
    price: str
    quantity: str = "1"
    taxable: bool = True
    description: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """What SIP stores of an invoice's amounts."""

    subtotal: Decimal
    discount: Decimal
    tax: Decimal

    def columns(self) -> dict[str, Decimal]:
        """As the table has them."""
        total = self.subtotal - self.discount + self.tax
        return {"subtotal": self.subtotal, "discount": self.discount, "tax": self.tax, "total": total}


def figures(lines: Sequence[Line], rate: Decimal, percent_off: Decimal) -> Figures:
    """The discount comes off before tax, in proportion off what is taxed and what is not."""
    amounts = [(_cents(Decimal(line.quantity) * Decimal(line.price)), line.taxable) for line in lines]
    subtotal = sum((amount for amount, _ in amounts), Decimal(0))
    taxable = sum((amount for amount, taxed in amounts if taxed), Decimal(0))
    discount = _cents(subtotal * percent_off / 100)
    kept = (subtotal - discount) / subtotal if subtotal else Decimal(0)
    return Figures(subtotal, discount, _cents(taxable * kept * rate / 100))


def bill(
    session: Session,
    business: Business,
    customer: str,
    lines: Sequence[Line],
    *,
    status: str = "draft",
    percent_off: str = "0",
    rate: str | None = None,
    **columns: Any,
) -> str:
    """An invoice, with its lines in the same transaction as the app writes it. Its id."""
    invoice = bill_head(
        session, business, customer, lines, status=status, percent_off=percent_off, rate=rate, **columns
    )
    add_lines(session, business, invoice, lines)
    return invoice


def bill_head(
    session: Session,
    business: Business,
    customer: str,
    lines: Sequence[Line],
    *,
    status: str,
    percent_off: str = "0",
    rate: str | None = None,
    **columns: Any,
) -> str:
    """The same without its lines."""
    number, default_rate, terms = session.ask(
        "update sip.organizations set next_sequence = next_sequence + 1 where id = %s returning"
        " invoice_prefix || lpad((next_sequence - 1)::text, 5, '0'), default_tax_rate, default_terms",
        (business.company_id,),
    )[0]
    percent = Decimal(rate) if rate is not None else default_rate
    today = business.kind.today
    off = {"discount_type": "percent", "discount_value": percent_off} if Decimal(percent_off) else {}
    return session.add(
        "invoices",
        organization_id=business.company_id,
        customer_id=customer,
        number=number,
        issue_date=today,
        due_date=today + timedelta(days=30),
        tax_rate=percent,
        terms=terms,
        status=status,
        sent_at=None if status == "draft" else datetime.now(UTC),
        **off,
        **figures(lines, percent, Decimal(percent_off)).columns(),
        **columns,
    )


def bill_amount(
    session: Session, business: Business, job: str, *, percent: str = "", amount: str = ""
) -> str:
    """An invoice, sent at once, for a part of a job: a percentage of its contract, or an amount. Its id."""
    [(customer, contract)] = session.ask(
        "select customer_id::text, contract_total from sip.jobs where id = %s", (job,)
    )
    price = _cents(contract * Decimal(percent) / 100) if percent else Decimal(amount)
    mode = {"mode": "percent", "percent": percent} if percent else {"mode": "fixed", "amount": price}
    return bill_head(session, business, customer, [Line(None, str(price))], status="sent", job_id=job, **mode)


def add_lines(session: Session, business: Business, invoice: str, lines: Sequence[Line]) -> None:
    """Its lines, after those that it has."""
    for line in lines:
        item = (
            session.one(
                "select id from sip.service_items where organization_id = %s and name = %s",
                (business.company_id, line.item),
            )
            if line.item
            else None
        )
        place = session.one("select 1 + count(*) from sip.invoice_lines where invoice_id = %s", (invoice,))
        session.add(
            "invoice_lines",
            invoice_id=invoice,
            position=int(place),
            service_item_id=item,
            description=line.description or line.item,
            quantity=line.quantity,
            unit_price=line.price,
            taxable=line.taxable,
        )


def send(session: Session, *invoices: str) -> None:
    """Mark drafts as sent, by one statement."""
    session.ask(
        "update sip.invoices set status = 'sent', sent_at = now(), updated_at = now() where id = any(%s::bigint[])",
        (list(invoices),),
    )


def pay(session: Session, business: Business, invoice: str, method: str, **columns: Any) -> str:
    """Mark an invoice as paid: all of it is collected today. The payment's id."""
    amount = session.one("select total from sip.invoices where id = %s", (invoice,))
    today = business.kind.today
    given = {"amount": amount, "status": "collected", "charged_on": today, "paid_on": today, **columns}
    payment = session.add(
        "payments", organization_id=business.company_id, invoice_id=invoice, method=method, **given
    )
    if given["status"] == "collected":
        session.edit("invoices", invoice, status="paid", paid_at=datetime.now(UTC))
    return payment


def _cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)
