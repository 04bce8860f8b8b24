"""`syncd map accounts`: which accounts of QuickBooks SIP's money goes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from syncd.cli import books
from syncd.cli.maps import new_account, store
from syncd.cli.output import json_option, print_json, print_table, quoted, say, tell
from syncd.cli.session import need_company, session
from syncd.db.states import AccountSlot, Region
from syncd.errors import WrongUse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from syncd.cli.books import Found
    from syncd.cli.session import Connection, Row

TABLE = "account_map"
SHOWN = 5  # candidates of one slot


class Slot(NamedTuple):
    """What SIP calls it, what lacks it, and which accounts can be it: their types, and what speaks for one of them."""

    label: str
    serves: str
    types: tuple[str, ...]
    sub_types: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def fits(self, account: Found) -> bool:
        """Whether the account can be it."""
        return account.get("AccountType") in self.types and account.get("AccountSubType") not in TAKEN


TAKEN = ("SalesTaxPayable", "GlobalTaxPayable", "GlobalTaxSuspense", "Inventory")
"""Kinds of account that QuickBooks itself keeps."""

COSTS = ("Expense", "Other Expense", "Cost of Goods Sold")
LIABILITIES = ("Other Current Liability", "Long Term Liability")
SLOTS = {
    AccountSlot.INCOME: Slot(
        "Income",
        "service items",
        ("Income",),
        ("ServiceFeeIncome", "SalesOfProductIncome", "OtherPrimaryIncome"),
        ("services", "sales", "income"),
    ),
    AccountSlot.EXPENSES: Slot(
        "Costs",
        "service items",
        COSTS,
        ("CostOfLaborCos", "OtherCostsOfServiceCos", "SuppliesMaterialsCogs"),
        ("cost of", "labor", "labour"),
    ),
    AccountSlot.DISCOUNTS: Slot(
        "Discounts given", "invoices with a discount", ("Income",), ("DiscountsRefundsGiven",), ("discount",)
    ),
    AccountSlot.UNDEPOSITED_FUNDS: Slot(
        "Undeposited Funds",
        "payments, payouts",
        ("Other Current Asset", "Bank"),
        ("UndepositedFunds",),
        ("undeposited", "payments to deposit"),
    ),
    AccountSlot.CHECKING: Slot("Checking Account", "payouts", ("Bank",), ("Checking",), ("checking",)),
    AccountSlot.PAYMENT_FEES: Slot(
        "SIP Payments Fees",
        "fees of payouts",
        COSTS,
        ("BankCharges",),
        ("fees", "stripe", "merchant", "processing"),
    ),
    AccountSlot.REFUNDS_CLEARING: Slot(
        "Refunds Clearing",
        "refunds in payouts",
        ("Other Current Asset", "Other Current Liability", "Bank", "Income", "Other Income", *COSTS),
        (),
        ("refund",),
    ),
    AccountSlot.DISPUTED_PAYMENTS: Slot(
        "Allowance for Disputed Payments",
        "disputes in payouts",
        ("Other Current Asset", "Other Current Liability", *COSTS),
        (),
        ("dispute", "chargeback"),
    ),
    AccountSlot.UNDISTRIBUTED_TIPS: Slot(
        "Undistributed Tips", "tips in payouts", LIABILITIES, (), ("tips", "gratuit")
    ),
}
PAYOUTS = (
    AccountSlot.CHECKING,
    AccountSlot.PAYMENT_FEES,
    AccountSlot.REFUNDS_CLEARING,
    AccountSlot.DISPUTED_PAYMENTS,
    AccountSlot.UNDISTRIBUTED_TIPS,
)
CHOICE = click.Choice([slot.value.replace("_", "-") for slot in SLOTS])


def slots_of(company: Row) -> list[AccountSlot]:
    """What a company needs accounts for: outside the United States QuickBooks wants one for what an item costs too."""
    return [slot for slot in SLOTS if slot is not AccountSlot.EXPENSES or company["region"] != Region.US]


@click.group()
def command() -> None:
    """Which accounts SIP's money goes through."""


@command.command("list")
@click.argument("company_id", metavar="COMPANY")
@json_option
def list_(company_id: str, as_json: bool) -> None:
    """Every account that SIP needs: what is chosen, and what lacks it."""
    with session() as connection:
        company = need_company(connection, company_id)
        listed = [_listed(connection, company, slot) for slot in slots_of(company)]
    if as_json:
        print_json(listed)
        return
    print_table(
        [
            {
                "Slot": row["slot"],
                "In SIP": row["label"],
                "In QuickBooks": row["qbo_name"] or "not chosen",
                "Id": row["qbo_id"],
                "Needed for": row["needed_for"],
                "Refused without": row["owed"] or None,
            }
            for row in listed
        ],
        ["Slot", "In SIP", "In QuickBooks", "Id", "Needed for", "Refused without"],
        empty="",
        style=lambda column, value: "yellow" if (column, value) == ("In QuickBooks", "not chosen") else None,
        numbers=["Refused without"],
    )
    store.tell_realm(company)
    if any(row["qbo_id"] is None for row in listed):
        tell(f"To see what can be chosen: syncd map accounts suggest {company_id}")


@command.command("set")
@click.argument("company_id", metavar="COMPANY")
@click.argument("slot", metavar="SLOT", type=CHOICE)
@click.argument("account", metavar="[ACCOUNT]", required=False)
@click.option(
    "--create", "new", metavar="NAME", help="Have an account of this name made in QuickBooks and choose it."
)
def set_(company_id: str, slot: str, account: str | None, new: str | None) -> None:
    """Choose an account, by its id or its exact name in QuickBooks, or have one made.

    SLOT is income, expenses (outside the United States), discounts, undeposited-funds, checking, payment-fees,
    refunds-clearing, disputed-payments or undistributed-tips.
    """
    key = AccountSlot(slot.replace("-", "_"))
    if (account is None) == (new is None):
        raise WrongUse(
            "Name an account that QuickBooks has, or the one to be made with --create.", "Not both."
        )
    with session() as connection:
        company = need_company(connection, company_id)
        if key not in slots_of(company):
            raise WrongUse(
                f"In the United States {SLOTS[key].serves} need no such account.",
                "There is nothing to choose.",
            )
        if new is not None:
            new_account.create(connection, company, key, SLOTS[key].label, new)
        elif account is not None:
            _choose(connection, company, key, account)


def _choose(connection: Connection, company: Row, key: AccountSlot, account: str) -> None:
    found = books.ask(
        connection, company, *books.by_id_or_name("Account", account, "Name", "FullyQualifiedName")
    )
    see = f"syncd map accounts suggest {company['company_id']}"
    chosen = books.choose((thing for things in found for thing in things), account, "account", see)
    _check(connection, company, key, chosen, see)
    name = books.name_of(chosen)
    waiting = store.owed(connection, TABLE, company, key)
    store.put(connection, TABLE, company, {"slot": key}, {"qbo_id": chosen["Id"], "qbo_name": name})
    tell(f"{SLOTS[key].label} is account {quoted(name)} (id {chosen['Id']}) now.")
    if key is AccountSlot.DISCOUNTS and chosen.get("AccountSubType") not in SLOTS[key].sub_types:
        say("Note: it is not of QuickBooks' kind for discounts, so its reports count them as sales.")
    store.tell_owed(connection, waiting)


@command.command()
@click.argument("company_id", metavar="COMPANY")
@click.argument("slot", metavar="SLOT", type=CHOICE)
def clear(company_id: str, slot: str) -> None:
    """Choose no account any more. What was sent stays as it is."""
    key = AccountSlot(slot.replace("-", "_"))
    with session() as connection:
        company = need_company(connection, company_id)
        was_set = store.remove(connection, TABLE, company, {"slot": key})
    label = SLOTS[key].label
    tell(f"{label} has no account any more." if was_set else f"No account was chosen for {label}.")


@command.command()
@click.argument("company_id", metavar="COMPANY")
@json_option
def suggest(company_id: str, as_json: bool) -> None:
    """Accounts of QuickBooks that can be chosen, and what speaks for each. Chooses none."""
    with session() as connection:
        company = need_company(connection, company_id)
        [accounts] = books.ask(connection, company, books.Question("Account", "Active = true"))
        currency = _currency(connection, company)
        now = {row["slot"]: row["qbo_id"] for row in store.rows(connection, TABLE, company)}
    accounts = [account for account in accounts if _is_home(account, currency)]
    slots = slots_of(company)
    offered = [offer for slot in slots for offer in _offers(slot, accounts, now.get(slot))]
    if as_json:
        print_json(offered)
        return
    print_table(
        [
            {
                "Slot": offer["slot"],
                "Id": offer["qbo_id"],
                "Account": offer["qbo_name"],
                "Type": offer["type"],
                "Why": offer["why"],
            }
            for offer in offered
        ],
        ["Slot", "Id", "Account", "Type", "Why"],
        empty="",
    )
    for key in slots:
        slot = SLOTS[key]
        if not any(offer["slot"] == _word(key) for offer in offered):
            tell(
                f"No account looks like {slot.label}, for {slot.serves}. Choose another by its id, or have one"
                f" made: syncd map accounts set {company_id} {_word(key)} --create {quoted(slot.label)}"
            )
    tell(f"To choose one: syncd map accounts set {company_id} SLOT ID")


def _listed(connection: Connection, company: Row, slot: AccountSlot) -> Row:
    row: Row = next((r for r in store.rows(connection, TABLE, company) if r["slot"] == slot), {})
    return {
        "slot": _word(slot),
        "label": SLOTS[slot].label,
        "needed_for": SLOTS[slot].serves,
        **{column: row.get(column) for column in ("qbo_id", "qbo_name", "updated_by", "updated_at")},
        "owed": 0 if row else store.owed(connection, TABLE, company, slot),
    }


def _check(connection: Connection, company: Row, key: AccountSlot, account: Found, see: str) -> None:
    """Whether QuickBooks takes the account there."""
    slot, name = SLOTS[key], books.name_of(account)
    if account.get("AccountSubType") in TAKEN:
        raise WrongUse(f"QuickBooks keeps account {quoted(name)} by itself.", f"Choose another: {see}")
    if not slot.fits(account):
        types = ", ".join(slot.types[:-1]) + " or " * (len(slot.types) > 1) + slot.types[-1]
        raise WrongUse(
            f"Account {quoted(name)} is of type {account.get('AccountType')}; {slot.label} has to be {types}.",
            f"See: {see}",
        )
    currency = _currency(connection, company)
    if not _is_home(account, currency):
        theirs = account["CurrencyRef"]["value"]
        raise WrongUse(
            f"Account {quoted(name)} is in {theirs}, and what SIP sends is in {currency}.", f"See: {see}"
        )


def _currency(connection: Connection, company: Row) -> str | None:
    row = connection.execute(
        "select home_currency from syncd.company where company_id = %s", (company["company_id"],)
    ).fetchone()
    return row["home_currency"] if row else None


def _is_home(account: Found, currency: str | None) -> bool:
    theirs = (account.get("CurrencyRef") or {}).get("value")
    return theirs is None or currency is None or theirs == currency


def _offers(key: AccountSlot, accounts: Iterable[Found], now: str | None) -> list[dict[str, Any]]:
    """The accounts that something speaks for, the likeliest first, and the one that is chosen."""
    slot = SLOTS[key]
    fitting = [account for account in accounts if slot.fits(account) and not _belongs_elsewhere(key, account)]
    ranked = sorted(fitting, key=lambda account: _rank(slot, account))
    likely = [account for account in ranked if any(_speaks(slot, account))][:SHOWN]
    likely += [account for account in accounts if account["Id"] == now and account not in likely]
    return [
        {
            "slot": _word(key),
            "qbo_id": account["Id"],
            "qbo_name": books.name_of(account),
            "type": account["AccountType"],
            "sub_type": account.get("AccountSubType"),
            "why": _why(slot, account, fitting, now),
        }
        for account in likely
    ]


def _belongs_elsewhere(key: AccountSlot, account: Found) -> bool:
    """Of a kind that QuickBooks has for what another slot is."""
    kind = account.get("AccountSubType")
    return kind not in SLOTS[key].sub_types and any(kind in slot.sub_types for slot in SLOTS.values())


def _speaks(slot: Slot, account: Found) -> tuple[bool, bool]:
    """Whether its kind speaks for an account, and its name."""
    by_name = any(word in books.name_of(account).casefold() for word in slot.words)
    return account.get("AccountSubType") in slot.sub_types, by_name


def _rank(slot: Slot, account: Found) -> tuple[int, bool, str]:
    """Kinds in their order, then names."""
    by_kind, by_name = _speaks(slot, account)
    place = slot.sub_types.index(account["AccountSubType"]) if by_kind else len(slot.sub_types)
    return place, not by_name, books.name_of(account).casefold()


def _why(slot: Slot, account: Found, fitting: list[Found], now: str | None) -> str:
    kind = account.get("AccountSubType")
    by_kind, by_name = _speaks(slot, account)
    only = sum(other.get("AccountSubType") == kind for other in fitting) == 1
    reasons = ["chosen now"] if account["Id"] == now else []
    if by_kind:
        reasons.append(f"the only one of kind {kind}" if only else f"of kind {kind}")
    return ", ".join([*reasons, *(["named like it"] if by_name else [])])


def _word(slot: AccountSlot) -> str:
    return slot.value.replace("_", "-")
