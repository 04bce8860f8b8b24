"""Whatever is written, in whatever order, the books stay in balance."""

from decimal import Decimal
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.money import identifier, number
from syncd.sandbox.operations import carry_out
from syncd.sandbox.quirks import QUIRKS
from syncd.sandbox.world import World

from .books import discount, line

CENTS = st.integers(0, 20_000).map(lambda amount: Decimal(amount) / 100)
CHANCE = st.integers(0, 10**6)
CODES = st.sampled_from(["TAX", "NON", ""])
CURRENCIES = ("USD", "EUR")


class Books(RuleBasedStateMachine):
    """Two customers with a sub-customer each, in two currencies; sales and payments at random."""

    @initialize(
        quirks=st.fixed_dictionaries({one.name: st.sampled_from(one.values) for one in QUIRKS}),
        automatic=st.booleans(),
    )
    def company(self, quirks: dict[str, str], automatic: bool) -> None:
        self.world = World("app", "secret")
        self.world.quirks.set_all(quirks)
        self.books = self.world.add_company("us-automated-tax", multicurrency=True)
        forms = self.books.objects["Preferences"]["1"].body["SalesFormsPrefs"]
        assert isinstance(forms, dict)
        forms["AutoApplyCredit"] = automatic
        for currency in CURRENCIES:
            reference = {"CurrencyRef": {"value": currency}}
            top = self.write("Customer", {"DisplayName": currency, "Balance": 5, **reference})
            assert top is not None
            sub = {
                "DisplayName": f"Sub {currency}",
                "Job": True,
                "ParentRef": {"value": top["Id"]},
                **reference,
            }
            assert self.write("Customer", sub)

    def write(
        self, entity: str, body: dict[str, Any], operation: str = "update", include: str = ""
    ) -> dict[str, Any] | None:
        """What was written, None if it was refused."""
        try:
            done = carry_out(self.world, self.books, self.world.entities[entity], operation, include, body)
        except QboFaultError:
            return None
        return done.shown

    def pick(self, entity: str, chance: int) -> dict[str, Any]:
        """Id and SyncToken of one of the objects, {} if there is none."""
        found = list(self.books.objects[entity].values())
        one = found[chance % len(found)] if found else None
        return {"Id": one.id, "SyncToken": str(one.token)} if one else {}

    def owner(self, chance: int) -> dict[str, Any]:
        """A customer, in its currency."""
        customer = self.books.objects["Customer"][self.pick("Customer", chance)["Id"]]
        return {"CustomerRef": {"value": customer.id}, "CurrencyRef": customer.body["CurrencyRef"]}

    @rule(
        customer=CHANCE, old=CHANCE, new=st.booleans(), amounts=st.lists(CENTS, min_size=1, max_size=3), code=CODES,
        off=CENTS, tax=st.none() | CENTS, rate=st.sampled_from(["1.1", "0.333333"]), deposit=CENTS,
    )  # fmt: skip
    def sell(
        self, customer: int, old: int, new: bool, amounts: list[Decimal], code: str, off: Decimal,
        tax: Decimal | None, rate: str, deposit: Decimal,
    ) -> None:  # fmt: skip
        body: dict[str, Any] = {} if new else self.pick("Invoice", old)
        body |= self.owner(customer) | {"Line": [line(amount, tax=code) for amount in amounts]}
        body |= {"ExchangeRate": Decimal(rate), "Deposit": deposit if deposit < 20 else None}
        if off < 50:
            body["Line"].append(discount(off))
        if tax is not None:
            body["TxnTaxDetail"] = {"TotalTax": tax}
        self.write("Invoice", body)

    @rule(
        customer=CHANCE, old=CHANCE, new=st.booleans(), total=CENTS,
        parts=st.lists(st.tuples(CHANCE, CENTS), max_size=3), rate=st.sampled_from(["1.2", "0.5"]),
    )  # fmt: skip
    def pay(
        self, customer: int, old: int, new: bool, total: Decimal, parts: list[tuple[int, Decimal]], rate: str
    ) -> None:
        lines = [
            {
                "Amount": amount,
                "LinkedTxn": [{"TxnId": self.pick("Invoice", one)["Id"], "TxnType": "Invoice"}],
            }
            for one, amount in parts
            if self.pick("Invoice", one)
        ]
        body: dict[str, Any] = {} if new else self.pick("Payment", old)
        self.write("Payment", body | self.owner(customer) | {
            "TotalAmt": total, "Line": lines, "ExchangeRate": Decimal(rate),
        })  # fmt: skip

    @rule(one=CHANCE, how=st.sampled_from(["delete", "void"]))
    def undo_sale(self, one: int, how: str) -> None:
        if self.books.objects["Invoice"]:
            assert self.write("Invoice", self.pick("Invoice", one), how)

    @rule(one=CHANCE, how=st.sampled_from([("delete", ""), ("update", "void")]))
    def undo_payment(self, one: int, how: tuple[str, str]) -> None:
        if self.books.objects["Payment"]:
            assert self.write("Payment", self.pick("Payment", one), *how)

    @invariant()
    def customers_owe_what_is_open(self) -> None:
        if not hasattr(self, "books"):
            return
        self.books.ledger.audit()
        for customer in self.books.objects["Customer"].values():
            opening = 0 if "ParentRef" in customer.body else 5
            invoices = self.books.find("Invoice", "CustomerRef", customer.id)
            payments = self.books.find("Payment", "CustomerRef", customer.id)
            owed = opening + sum(number(one.body["Balance"]) for one in invoices)
            owed -= sum(number(one.body["UnappliedAmt"]) for one in payments)
            assert number(customer.body["Balance"]) == owed
            assert all(number(one.body["Balance"]) >= 0 for one in invoices)
            assert all(number(one.body["UnappliedAmt"]) >= 0 for one in payments)

    @invariant()
    def links_agree_on_both_sides(self) -> None:
        if not hasattr(self, "books"):
            return
        claimed = {
            (link["TxnId"], invoice.id)
            for invoice in self.books.objects["Invoice"].values()
            for link in listed(invoice.body["LinkedTxn"])
        }
        paid = {
            (payment.id, part["LinkedTxn"][0]["TxnId"])
            for payment in self.books.objects["Payment"].values()
            for part in listed(payment.body["Line"])
        }
        assert claimed == paid

    @invariant()
    def payments_add_up_and_stay_in_the_family(self) -> None:
        for payment in self.books.objects["Payment"].values() if hasattr(self, "books") else ():
            lines = listed(payment.body["Line"])
            applied = sum(number(part["Amount"]) for part in lines)
            assert number(payment.body["TotalAmt"]) == applied + number(payment.body["UnappliedAmt"])
            for part in lines:
                invoice = self.books.objects["Invoice"][part["LinkedTxn"][0]["TxnId"]]
                owner = self.books.objects["Customer"][identifier(invoice.body["CustomerRef"])]
                family = {owner.id, identifier(owner.body.get("ParentRef"))}
                assert identifier(payment.body["CustomerRef"]) in family


def listed(value: Any) -> list[dict[str, Any]]:
    assert isinstance(value, list)
    return value


Books.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestBooks = Books.TestCase
