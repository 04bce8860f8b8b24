"""`syncd map accounts set ... --create`: an account that the daemon makes in QuickBooks, the way of all records."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from psycopg.errors import ObjectNotInPrerequisiteState

from syncd.cli import books
from syncd.cli.maps import store
from syncd.cli.output import errors as stderr
from syncd.cli.output import quoted, say, tell
from syncd.cli.session import person
from syncd.db.states import AccountSlot, State
from syncd.errors import SyncdError, WrongUse
from syncd.push import account

if TYPE_CHECKING:
    from syncd.cli.session import Connection, Row

TABLE = "account_map"
PATIENCE_SECONDS = 30.0
LOOK_EVERY = 0.1
STOPPED = {State.ERROR, State.HELD, State.COLLISION, State.DIVERGED}

KINDS = {
    AccountSlot.INCOME: ("Income", "ServiceFeeIncome"),
    AccountSlot.EXPENSES: ("Cost of Goods Sold", "CostOfLaborCos"),
    AccountSlot.DISCOUNTS: ("Income", "DiscountsRefundsGiven"),
    AccountSlot.CHECKING: ("Bank", "Checking"),
    AccountSlot.PAYMENT_FEES: ("Expense", "BankCharges"),
    AccountSlot.REFUNDS_CLEARING: ("Other Current Asset", "OtherCurrentAssets"),
    AccountSlot.DISPUTED_PAYMENTS: ("Other Current Asset", "OtherCurrentAssets"),
    AccountSlot.UNDISTRIBUTED_TIPS: ("Other Current Liability", "OtherCurrentLiabilities"),
}
"""AccountType and AccountSubType of an account made for a slot. Undeposited Funds is none of them: QuickBooks itself
makes that account, once, and sends payments there.
"""


def create(connection: Connection, company: Row, slot: AccountSlot, label: str, name: str) -> None:
    """Have an account of this name made, and wait a little for it. Raises SyncdError."""
    name = name.strip()
    company_id = company["company_id"]
    if slot not in KINDS:
        raise WrongUse(
            f"QuickBooks makes {label} by itself.", f"Choose it: syncd map accounts suggest {company_id}"
        )
    if problem := account.name_problem(name):
        raise WrongUse(f"The name {problem}.", "Choose another.")
    _refuse_taken(connection, company, slot, name)
    waiting = store.owed(connection, TABLE, company, slot)
    key = _ask_for(connection, company, slot, name)
    if connection.execute("select from syncd.daemons limit 1").fetchone() is None:
        say("No daemon is running, so nothing is sent. Start one: systemctl start syncd")
        tell(f"Account {quoted(name)} is made and chosen as {label} once a daemon runs.")
        return
    made = _wait(connection, company, key)
    if made is None:
        tell(
            f"Account {quoted(name)} is on its way, and is then {label}. See: syncd map accounts list {company_id}"
        )
        return
    tell(f"{label} is account {quoted(name)} (id {made}) now, which was made in QuickBooks.")
    store.tell_owed(connection, waiting)


def _refuse_taken(connection: Connection, company: Row, slot: AccountSlot, name: str) -> None:
    """One that QuickBooks has is chosen by who knows what it is for; a second one of the name is never made."""
    for found in books.ask(connection, company, *books.by_id_or_name("Account", name, "Name")):
        for there in found:
            if there["Id"] == name:
                continue
            word = slot.value.replace("_", "-")
            inactive = "inactive " if there.get("Active") is False else ""
            raise WrongUse(
                f"QuickBooks has an {inactive}account {quoted(books.name_of(there))} already (id {there['Id']}, of type"
                f" {there.get('AccountType')}).",
                f"Choose another name, or choose that one: syncd map accounts set {company['company_id']} {word}"
                f" {there['Id']}",
            )


def _ask_for(connection: Connection, company: Row, slot: AccountSlot, name: str) -> str:
    kind, sub_kind = KINDS[slot]
    try:
        row = connection.execute(
            "select syncd.make_account(%s, %s, %s, %s, %s, %s) as key",
            (company["company_id"], slot, name, kind, sub_kind, person()),
        ).fetchone()
    except ObjectNotInPrerequisiteState:  # the connection was lost meanwhile
        raise SyncdError(
            "The connection to QuickBooks is lost.",
            f"Connect it again: syncd company connect {company['company_id']}"
            f" --environment {company['environment'] or 'production'} < tokens.json",
        ) from None
    assert row is not None
    return str(row["key"])


def _wait(connection: Connection, company: Row, key: str) -> str | None:
    """The new account's id; None if it takes longer. Raises SyncdError if it is refused."""
    end = time.monotonic() + PATIENCE_SECONDS
    with stderr.status("QuickBooks is asked to make it"):
        while time.monotonic() < end:
            row = connection.execute(
                "select l.qbo_id, j.state::text, j.reason from (select 1) one"
                " left join syncd.linked l on l.company_id = %(c)s and l.entity_type = 'account' and l.sip_id = %(k)s"
                " left join syncd.job j on j.company_id = %(c)s and j.entity_type = 'account' and j.entity_id = %(k)s",
                {"c": company["company_id"], "k": key},
            ).fetchone()
            assert row is not None
            if row["qbo_id"] is not None:
                return str(row["qbo_id"])
            if row["state"] is None or row["state"] in STOPPED:
                raise SyncdError(
                    f"The account was not made: {row['reason'] or 'another was chosen meanwhile.'}"
                )
            time.sleep(LOOK_EVERY)
    return None
