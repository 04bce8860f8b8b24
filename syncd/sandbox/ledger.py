"""A company's general ledger: double entry, and in balance after every write.

Two accounts of the same facts are kept apart and compared: what the postings of
all transactions say a customer or vendor owes, and what the transactions
themselves say is open. A difference is a mistake of the sandbox, never of a
client, and ends the request with an internal error.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

Key = tuple[str, str]
ZERO = Decimal(0)


class OutOfBalanceError(AssertionError):
    """The books do not agree with themselves."""


@dataclass(frozen=True)
class Posting:
    """One leg of a transaction.

    `amount` is in home currency, a debit above and a credit below 0. `own` is
    what the leg adds to the balance of the customer or vendor `name`, in that
    name's own currency.
    """

    account: str
    amount: Decimal
    name: str = ""
    own: Decimal = ZERO


class Ledger:
    """The postings of all transactions, with running totals."""

    def __init__(self) -> None:
        self.entries: dict[Key, tuple[Posting, ...]] = {}
        self.accounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.owed: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._open: dict[Key, tuple[str, Decimal]] = {}
        self._outstanding: defaultdict[str, Decimal] = defaultdict(Decimal)
        self._touched: set[str] = set()

    def post(self, key: Key, postings: Iterable[Posting]) -> None:
        """Put a transaction's postings in the place of its former ones."""
        new = tuple(posting for posting in postings if posting.amount or posting.own)
        if sum(posting.amount for posting in new):
            raise OutOfBalanceError(f"The postings of {key[0]} {key[1]} do not balance: {new}")
        for sign, legs in ((-1, self.entries.pop(key, ())), (1, new)):
            for leg in legs:
                self.accounts[leg.account] += sign * leg.amount
                if leg.name:
                    self.owed[leg.name] += sign * leg.own
                    self._touched.add(leg.name)
        if new:
            self.entries[key] = new

    def keep_open(self, key: Key, name: str, amount: Decimal) -> None:
        """Note what a transaction itself says is open of a name; credits are below 0."""
        old_name, old = self._open.pop(key, (name, ZERO))
        self._outstanding[old_name] -= old
        self._outstanding[name] += amount
        self._touched |= {old_name, name}
        if amount:
            self._open[key] = (name, amount)

    def settle(self) -> set[str]:
        """Compare both accounts for every name touched since the last time; these names."""
        touched, self._touched = self._touched, set()
        for name in touched:
            if self.owed[name] != self._outstanding[name]:
                raise OutOfBalanceError(
                    f"Name {name} owes {self.owed[name]} by the ledger, {self._outstanding[name]} by what is open."
                )
        return touched

    def audit(self) -> None:
        """Add everything up anew and compare it with the running totals."""
        accounts: defaultdict[str, Decimal] = defaultdict(Decimal)
        owed: defaultdict[str, Decimal] = defaultdict(Decimal)
        for legs in self.entries.values():
            for leg in legs:
                accounts[leg.account] += leg.amount
                owed[leg.name] += leg.own
        outstanding: defaultdict[str, Decimal] = defaultdict(Decimal)
        for name, amount in self._open.values():
            outstanding[name] += amount
        if sum(accounts.values()):
            raise OutOfBalanceError(f"Debits and credits differ by {sum(accounts.values())}.")
        wrong = [key for key in accounts if accounts[key] != self.accounts[key]]
        wrong += [name for name in owed if name and not owed[name] == self.owed[name] == outstanding[name]]
        if wrong:
            raise OutOfBalanceError(f"Running totals are wrong for {', '.join(wrong)}.")
