"""`syncd map` as an admin types it, against a real Postgres and the sandbox."""

from __future__ import annotations

import os
import pwd
from typing import TYPE_CHECKING

import pytest

from tests.support.cli import Commands
from tests.support.processes import Sandbox, environment
from tests.support.realm import Realm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.database import Database

ME = pwd.getpwuid(os.getuid()).pw_name
SLOTS = [
    ("income", "Income"),
    ("discounts", "Discounts given"),
    ("undeposited-funds", "Undeposited Funds"),
    ("checking", "Checking Account"),
    ("payment-fees", "SIP Payments Fees"),
    ("refunds-clearing", "Refunds Clearing"),
    ("disputed-payments", "Allowance for Disputed Payments"),
    ("undistributed-tips", "Undistributed Tips"),
]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    running = Sandbox()
    yield running
    running.stop()


@pytest.fixture
def syncd(
    database: Database, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    monkeypatch.delenv("SUDO_USER", raising=False)
    env = environment(database, sandbox.url, SYNCD_DSN=database.admin_dsn)
    return Commands(monkeypatch, capsys, **{k: v for k, v in env.items() if k.startswith("SYNCD_")})


@pytest.fixture
def us(database: Database, sandbox: Sandbox) -> Realm:
    return Realm(database, sandbox, "us-manual-tax", "8.25")


@pytest.fixture
def canada(database: Database, sandbox: Sandbox) -> Realm:
    return Realm(database, sandbox, "canada", "12")


# --- accounts ---


def test_every_account_that_sip_needs_is_listed_with_what_lacks_it(
    syncd: Commands, us: Realm, database: Database
) -> None:
    listed = syncd("map", "accounts", "list", "1", "--json").json
    assert [(row["slot"], row["label"]) for row in listed] == SLOTS
    assert {row["qbo_id"] for row in listed} == {None}
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id, state, due_at, error_code)"
        " select '1', 'service_item', n::text, 'error', 'infinity', 'income_account_missing' from generate_series(1, 3)"
        " n"
    )
    said = syncd("map", "accounts", "list", "1").out
    assert "Refused without" in said
    (income,) = (line for line in said.splitlines() if line.startswith("income"))
    assert income.split() == ["income", "Income", "not", "chosen", "service", "items", "3"]
    assert "syncd map accounts suggest 1" in said


def test_what_items_cost_needs_an_account_outside_the_united_states(
    syncd: Commands, database: Database, sandbox: Sandbox
) -> None:
    Realm(database, sandbox, "canada", "12")
    listed = syncd("map", "accounts", "list", "1", "--json").json
    assert [row["slot"] for row in listed][:3] == ["income", "expenses", "discounts"]
    offered = syncd("map", "accounts", "suggest", "1", "--json").json
    assert [offer["qbo_name"] for offer in offered if offer["slot"] == "expenses"] == ["Cost of Goods Sold"]
    assert "Costs is account" in syncd("map", "accounts", "set", "1", "expenses", "Cost of Goods Sold").out


def test_what_items_cost_needs_no_account_in_the_united_states(syncd: Commands, us: Realm) -> None:
    refusal = syncd.refused("map", "accounts", "set", "1", "expenses", "Cost of Goods Sold")
    assert "In the United States service items need no such account." in refusal


@pytest.mark.parametrize("words", ["Services", "services", "11"])
def test_an_account_is_chosen_by_name_or_id(syncd: Commands, us: Realm, words: str) -> None:
    services = us.id_of("Account", "Services")
    if words.isdigit():
        words = services
    said = syncd("map", "accounts", "set", "1", "income", words)
    assert said.out == f'Income is account "Services" (id {services}) now.\n'
    assert said.err == ""
    income = syncd("map", "accounts", "list", "1", "--json").json[0]
    assert (income["qbo_id"], income["qbo_name"], income["updated_by"]) == (services, "Services", ME)


def test_a_part_of_an_account_is_named_with_its_whole(syncd: Commands, us: Realm) -> None:
    services = us.id_of("Account", "Services")
    us.add(
        "Account",
        Name="Hedges",
        AccountSubType="ServiceFeeIncome",
        SubAccount=True,
        ParentRef={"value": services},
    )
    assert '"Services:Hedges"' in syncd("map", "accounts", "set", "1", "income", "Services:Hedges").out


@pytest.mark.parametrize(
    ("slot", "account", "sentence"),
    [
        ("income", "Checking", 'Account "Checking" is of type Bank; Income has to be Income.'),
        ("checking", "Services", "Checking Account has to be Bank."),
        ("undeposited-funds", "Services", "Undeposited Funds has to be Other Current Asset or Bank."),
        (
            "payment-fees",
            "Services",
            "SIP Payments Fees has to be Expense, Other Expense or Cost of Goods Sold.",
        ),
        ("undistributed-tips", "Services", "Other Current Liability or Long Term Liability."),
        (
            "undistributed-tips",
            "Sales Tax Payable",
            'QuickBooks keeps account "Sales Tax Payable" by itself.',
        ),
        ("income", "Nobody", 'There is no account "Nobody" in QuickBooks. See: syncd map accounts suggest 1'),
        ("income", "999999", 'There is no account "999999" in QuickBooks.'),
        ("income", "O'Brien \\", 'There is no account "O\'Brien \\" in QuickBooks.'),
        ("sales", "Services", None),
    ],
)
def test_an_account_that_cannot_be_it_is_refused(
    syncd: Commands, us: Realm, slot: str, account: str, sentence: str | None
) -> None:
    said = syncd("map", "accounts", "set", "1", slot, account, code=2)
    assert said.out == ""
    assert (sentence or "is not one of 'income', 'expenses'") in said.err
    assert {row["qbo_id"] for row in syncd("map", "accounts", "list", "1", "--json").json} == {None}


def test_an_inactive_account_is_refused_as_such(syncd: Commands, us: Realm) -> None:
    old = us.add("Account", Name="Old sales", AccountSubType="ServiceFeeIncome")
    us.deactivate("Account", old)
    for words in (old, "Old sales"):
        refusal = syncd.refused("map", "accounts", "set", "1", "income", words)
        assert refusal.startswith(f'syncd: Account "{words}" is inactive in QuickBooks.')


def test_a_name_that_is_also_an_id_has_to_be_made_clear(syncd: Commands, us: Realm) -> None:
    services = us.id_of("Account", "Services")
    us.add("Account", Name=services, AccountSubType="ServiceFeeIncome")
    refusal = syncd.refused("map", "accounts", "set", "1", "income", services)
    assert "Give the id of the one that is meant." in refusal


def test_an_account_in_another_currency_is_refused(
    syncd: Commands, database: Database, sandbox: Sandbox
) -> None:
    realm = Realm(database, sandbox, "canada", "12")
    realm.add("Account", Name="Dollars", AccountSubType="Checking", CurrencyRef={"value": "USD"})
    refusal = syncd.refused("map", "accounts", "set", "1", "checking", "Dollars")
    assert 'Account "Dollars" is in USD, and what SIP sends is in CAD.' in refusal
    assert "Dollars" not in syncd("map", "accounts", "suggest", "1").out


def test_the_account_that_payments_are_kept_in_is_not_the_one_they_are_paid_out_to(
    syncd: Commands, us: Realm
) -> None:
    syncd("map", "accounts", "set", "1", "undeposited-funds", "Savings")
    refusal = syncd.refused("map", "accounts", "set", "1", "checking", "Savings")
    assert 'Account "Savings" is both Undeposited Funds and Checking Account.' in refusal


def test_suggestions_say_why_and_choose_nothing(syncd: Commands, us: Realm) -> None:
    us.add("Account", Name="Tips to hand out", AccountSubType="OtherCurrentLiabilities")
    offered = syncd("map", "accounts", "suggest", "1", "--json").json
    by_slot: dict[str, list[tuple[str, str]]] = {}
    for offer in offered:
        by_slot.setdefault(offer["slot"], []).append((offer["qbo_name"], offer["why"]))
    assert by_slot["undeposited-funds"] == [
        ("Undeposited Funds", "the only one of kind UndepositedFunds, named like it")
    ]
    assert by_slot["income"][0] == ("Services", "the only one of kind ServiceFeeIncome, named like it")
    assert [name for name, _ in by_slot["discounts"]] == ["Discounts given"]
    assert by_slot["undistributed-tips"] == [("Tips to hand out", "named like it")]
    said = syncd("map", "accounts", "suggest", "1").out
    assert "No account looks like Refunds Clearing, for refunds in payouts." in said
    assert "syncd map accounts set 1 SLOT ID" in said
    assert {row["qbo_id"] for row in syncd("map", "accounts", "list", "1", "--json").json} == {None}


def test_an_account_can_be_chosen_no_more(syncd: Commands, us: Realm) -> None:
    syncd("map", "accounts", "set", "1", "income", "Services")
    assert syncd("map", "accounts", "clear", "1", "income").out == "Income has no account any more.\n"
    assert syncd("map", "accounts", "clear", "1", "income").out == "No account was chosen for Income.\n"


def test_what_lacked_an_account_is_tried_again(syncd: Commands, us: Realm, database: Database) -> None:
    database.execute(
        "insert into syncd.job (company_id, entity_type, entity_id, state, due_at, error_code) values"
        " ('1', 'service_item', '7', 'error', 'infinity', 'income_account_missing')"
    )
    said = syncd("map", "accounts", "set", "1", "income", "Services")
    assert said.out.endswith("1 record that lacked it is tried again.\n")
    assert "No daemon is running" in said.err
    assert database.value("select state::text from syncd.job") == "pending"


# --- items ---


def test_an_item_stands_for_lines_or_time(syncd: Commands, us: Realm) -> None:
    assert syncd("map", "items", "list", "1").out.count("not chosen: SIP Services, made at first need") == 2
    said = syncd("map", "items", "set", "1", "lines", "Services").out
    assert (
        said
        == f'Item "Services" (id {us.id_of("Item", "Services")}) stands for invoice lines without a service item now.\n'
    )
    syncd("map", "items", "set", "1", "time", us.id_of("Item", "Hours"))
    listed = syncd("map", "items", "list", "1", "--json").json
    assert [(row["slot"], row["qbo_name"]) for row in listed] == [("lines", "Services"), ("time", "Hours")]
    assert "chosen now for time" in syncd("map", "items", "suggest", "1").out
    syncd("map", "items", "clear", "1", "lines")
    assert syncd("map", "items", "list", "1", "--json").json[0]["qbo_id"] is None


def test_only_an_active_service_stands_for_lines(syncd: Commands, us: Realm) -> None:
    income = {"value": us.id_of("Account", "Services")}
    us.add("Item", Name="Mower", Type="NonInventory", IncomeAccountRef=income)
    old = us.add("Item", Name="Old", Type="Service", IncomeAccountRef=income)
    us.deactivate("Item", old)
    assert 'Item "Mower" is of type NonInventory' in syncd.refused(
        "map", "items", "set", "1", "lines", "Mower"
    )
    assert 'Item "Old" is inactive' in syncd.refused("map", "items", "set", "1", "lines", "Old")
    offered = syncd("map", "items", "suggest", "1", "--json").json
    assert sorted(offer["qbo_name"] for offer in offered) == ["Hours", "Services"]


# --- employees ---


@pytest.fixture
def crew(us: Realm) -> dict[str, str]:
    """Members of SIP, and people in QuickBooks."""
    return {
        "bob": us.member("Bob Hill", "bob@yard.example"),
        "ann": us.member("Ann Lee", "ann@yard.example"),
        "gone": us.member("Gus Gone", "gus@yard.example", active=False),
        "Bob": us.add("Employee", GivenName="Bob", FamilyName="Hill"),
        "Ann": us.add("Vendor", DisplayName="A. Lee", PrimaryEmailAddr={"Address": "ANN@yard.example"}),
        "Zoe": us.add("Employee", GivenName="Zoe", FamilyName="May"),
    }


def test_all_members_are_listed_mapped_or_not(syncd: Commands, crew: dict[str, str]) -> None:
    syncd("map", "employees", "set", "1", "Bob Hill", "Bob Hill")
    listed = syncd("map", "employees", "list", "1", "--json").json
    assert [(row["name"], row["active"], row["qbo_type"], row["qbo_id"]) for row in listed] == [
        ("Ann Lee", True, None, None),
        ("Bob Hill", True, "Employee", crew["Bob"]),
        ("Gus Gone", False, None, None),
    ]
    said = syncd("map", "employees", "list", "1").out
    assert "Ann Lee   ann@yard.example  not mapped" in said
    assert "Gus Gone" not in said
    assert "Time of members that are not mapped is skipped." in said


@pytest.mark.parametrize("words", ["bob", "bob@Yard.example", "bob hill"])
def test_a_member_is_named_by_id_or_e_mail_or_name(syncd: Commands, crew: dict[str, str], words: str) -> None:
    said = syncd("map", "employees", "set", "1", crew.get(words, words), crew["Bob"]).out
    assert said.startswith(f'Bob Hill is employee "Bob Hill" (id {crew["Bob"]}) in QuickBooks now.\n')
    assert (
        syncd("map", "employees", "clear", "1", crew.get(words, words)).out
        == "Bob Hill is mapped to nobody now.\n"
    )


def test_a_contractor_is_a_vendor(syncd: Commands, crew: dict[str, str]) -> None:
    assert 'There is no employee "A. Lee"' in syncd.refused(
        "map", "employees", "set", "1", "Ann Lee", "A. Lee"
    )
    syncd("map", "employees", "set", "1", "Ann Lee", "A. Lee", "--vendor")
    ann = syncd("map", "employees", "list", "1", "--json").json[0]
    assert (ann["qbo_type"], ann["qbo_id"]) == ("Vendor", crew["Ann"])


def test_one_person_is_one_member(syncd: Commands, crew: dict[str, str]) -> None:
    syncd("map", "employees", "set", "1", "Bob Hill", crew["Bob"])
    assert syncd.refused("map", "employees", "set", "1", "Ann Lee", crew["Bob"]) == (
        'syncd: Employee "Bob Hill" is mapped to member "Bob Hill" already. One person is one member. To take it from'
        f" there: syncd map employees clear 1 {crew['bob']}"
    )


@pytest.mark.parametrize(
    ("member", "employee", "sentence"),
    [
        ("Nobody", "Bob Hill", 'There is no member "Nobody". See: syncd map employees list 1'),
        ("Bob Hill", "Nobody", 'There is no employee "Nobody" in QuickBooks.'),
        ("Twin", "Bob Hill", 'have the name "Twin". Give the id or the e-mail.'),
    ],
)
def test_whoever_is_not_there_is_not_mapped(
    syncd: Commands, us: Realm, crew: dict[str, str], member: str, employee: str, sentence: str
) -> None:
    us.member("Twin", "one@yard.example")
    us.member("Twin", "two@yard.example")
    assert sentence in syncd.refused("map", "employees", "set", "1", member, employee)


def test_suggestions_are_commands_and_map_nobody(syncd: Commands, us: Realm, crew: dict[str, str]) -> None:
    us.member("Moe Long", "moe@yard.example")
    pairs = syncd("map", "employees", "suggest", "1", "--json").json
    assert [(pair["member"], pair["qbo_name"], pair["why"], pair["command"]) for pair in pairs] == [
        (
            "Ann Lee",
            "A. Lee",
            "same e-mail",
            f"syncd map employees set 1 {crew['ann']} {crew['Ann']} --vendor",
        ),
        ("Bob Hill", "Bob Hill", "same name", f"syncd map employees set 1 {crew['bob']} {crew['Bob']}"),
    ]
    said = syncd("map", "employees", "suggest", "1").out
    assert "Nobody fits Moe Long." in said
    assert {row["qbo_id"] for row in syncd("map", "employees", "list", "1", "--json").json} == {None}
    for pair in pairs:
        syncd(*pair["command"].split()[1:])
    assert syncd("map", "employees", "suggest", "1", "--json").json == []


# --- payment methods ---


def test_seven_methods_carry_sips_labels(syncd: Commands, us: Realm) -> None:
    listed = syncd("map", "payment-methods", "list", "1", "--json").json
    assert [(row["method"], row["label"], row["qbo_name"]) for row in listed] == [
        ("card", "Credit/Debit Card", "Credit Card"),
        ("ach", "ACH Bank Transfer", "ACH"),
        ("apple-pay", "Apple Pay", "Credit Card"),
        ("cash", "Cash", "Cash"),
        ("check", "Check", "Check"),
        ("zelle", "Zelle", "Other"),
        ("other", "Other", "Other"),
    ]
    assert "QB Method Name" in syncd("map", "payment-methods", "list", "1").out


@pytest.mark.parametrize("words", ["apple-pay", "apple_pay", "Apple Pay"])
def test_a_method_gets_another_name_and_its_own_again(syncd: Commands, us: Realm, words: str) -> None:
    said = syncd("map", "payment-methods", "set", "1", words, " Visa/MC ").out
    assert said == 'Apple Pay is "Visa/MC" in QuickBooks now, for payments synced from now on.\n'
    row = syncd("map", "payment-methods", "list", "1", "--json").json[2]
    assert (row["qbo_name"], row["updated_by"]) == ("Visa/MC", ME)
    assert (
        'Apple Pay is "Credit Card" in QuickBooks again'
        in syncd("map", "payment-methods", "clear", "1", words).out
    )


@pytest.mark.parametrize(
    ("method", "name", "sentence"),
    [
        ("cheque", "Check", 'SIP has no payment method "cheque". Choose from: card, ach, apple-pay'),
        ("card", "x" * 32, "has 32 characters. QuickBooks takes 1 to 31"),
        ("card", "  ", "has 0 characters"),
        ("card", "Visa\tMC", "A payment method's name cannot have control characters."),
    ],
)
def test_a_name_that_quickbooks_would_refuse_is_refused(
    syncd: Commands, us: Realm, method: str, name: str, sentence: str
) -> None:
    assert sentence in syncd.refused("map", "payment-methods", "set", "1", method, name)


def test_the_methods_that_quickbooks_has_are_shown(syncd: Commands, us: Realm) -> None:
    said = syncd("map", "payment-methods", "suggest", "1", "--json").json
    there = {row["method"]: row["qbo_id"] for row in said["methods"]}
    assert there["cash"] == us.id_of("PaymentMethod", "Cash")
    assert there["zelle"] is None
    assert [row["qbo_name"] for row in said["unused"]] == ["Visa", "MasterCard"]
    assert "made at first need" in syncd("map", "payment-methods", "suggest", "1").out


# --- tax ---


def test_a_code_stands_for_the_rate_that_it_comes_to(
    syncd: Commands, canada: Realm, database: Database
) -> None:
    said = syncd("map", "tax", "set", "1", "12.0 %", "GST/PST BC").out
    code = canada.id_of("TaxCode", "GST/PST BC")
    assert said == f'Tax code "GST/PST BC" (id {code}) stands for 12 % now (GST 5 % + PST BC 7 %).\n'
    gst, pst = canada.id_of("TaxRate", "GST"), canada.id_of("TaxRate", "PST BC")
    assert database.rows("select slot, rates::text from syncd.tax_map") == [
        (
            "12",
            f'[{{"name": "GST", "percent": 5, "rate_ref": "{gst}"}},'
            f' {{"name": "PST BC", "percent": 7, "rate_ref": "{pst}"}}]',
        )
    ]
    syncd("map", "tax", "set", "1", "untaxed", "Out of Scope")
    syncd("map", "tax", "set", "1", "0", "Zero-rated")
    listed = syncd("map", "tax", "list", "1", "--json").json
    assert [(row["slot"], row["qbo_name"]) for row in listed] == [
        ("0", "Zero-rated"),
        ("12", "GST/PST BC"),
        ("untaxed", "Out of Scope"),
    ]
    assert "GST 5 % + PST BC 7 %" in syncd("map", "tax", "list", "1").out
    assert syncd("map", "tax", "clear", "1", "12").out == "No tax code stands for 12 % now.\n"


@pytest.mark.parametrize(
    ("slot", "code", "sentence"),
    [
        (
            "13",
            "GST/PST BC",
            'Tax code "GST/PST BC" comes to 12 % in QuickBooks (GST 5 % + PST BC 7 %), not to 13 %.',
        ),
        ("12", "Out of Scope", 'Tax code "Out of Scope" comes to 0 % in QuickBooks, not to 12 %.'),
        ("untaxed", "GST", 'Tax code "GST" comes to 5 % in QuickBooks, not to 0 %.'),
        ("12", "VAT", 'There is no tax code "VAT" in QuickBooks. See: syncd map tax suggest 1'),
        ("twelve", "GST", '"twelve" is no tax rate. Give a percentage such as 8.25, or untaxed.'),
        ("101", "GST", '"101" is no tax rate.'),
        ("-5", "GST", None),
        ("5.00001", "GST", '"5.00001" is no tax rate.'),
    ],
)
def test_a_code_that_comes_to_something_else_is_refused(
    syncd: Commands, canada: Realm, slot: str, code: str, sentence: str | None
) -> None:
    said = syncd("map", "tax", "set", "1", slot, code, code=2)
    assert (sentence or "No such option") in said.err


def test_a_code_that_taxes_a_tax_is_refused(syncd: Commands, canada: Realm, sandbox: Sandbox) -> None:
    code = canada.id_of("TaxCode", "GST/PST BC")
    details = [
        {"TaxRateRef": {"value": canada.id_of("TaxRate", name)}, "TaxTypeApplicable": kind, "TaxOrder": order}
        for order, (name, kind) in enumerate([("GST", "TaxOnAmount"), ("PST BC", "TaxOnAmountPlusTax")])
    ]
    sandbox.tell(f"edit/{canada.realm}/TaxCode/{code}", SalesTaxRateList={"TaxRateDetail": details})
    assert "taxes a tax" in syncd.refused("map", "tax", "set", "1", "12", "GST/PST BC")


def test_codes_are_suggested_for_the_rates_in_use(syncd: Commands, canada: Realm, database: Database) -> None:
    customer = database.add_customer("Ann")
    database.execute(
        "insert into sip.invoices (organization_id, customer_id, number, due_date, tax_rate) values"
        " (1, %s, 'INV-1', current_date, 13), (1, %s, 'INV-2', current_date, 8.1)",
        (customer, customer),
    )
    offered = syncd("map", "tax", "suggest", "1", "--json").json
    assert [(offer["slot"], offer["qbo_name"]) for offer in offered] == [
        ("12", "GST/PST BC"),
        ("13", "HST ON"),
        ("untaxed", "Zero-rated"),
        ("untaxed", "Exempt"),
        ("untaxed", "Out of Scope"),
    ]
    said = syncd("map", "tax", "suggest", "1").out
    assert "No tax code comes to 8.1 %: make one in QuickBooks, under Taxes." in said
    syncd(*offered[0]["command"].split()[1:])
    listed = syncd("map", "tax", "list", "1", "--json").json
    assert [(row["slot"], row["qbo_name"]) for row in listed] == [
        ("8.1", None), ("12", "GST/PST BC"), ("13", None), ("untaxed", None),
    ]  # fmt: skip


def test_in_the_united_states_only_rates_have_codes(syncd: Commands, us: Realm) -> None:
    syncd("map", "tax", "set", "1", "8.25", "Austin")
    assert "needs no code for what is not taxed" in syncd.refused("map", "tax", "set", "1", "untaxed", "Zero")
    assert '"NON" is a mark on lines' in syncd.refused("map", "tax", "set", "1", "0", "NON")
    assert [row["slot"] for row in syncd("map", "tax", "list", "1", "--json").json] == ["8.25"]


def test_automated_sales_tax_needs_no_codes(syncd: Commands, database: Database, sandbox: Sandbox) -> None:
    Realm(database, sandbox, "us-automated-tax", "8.5")
    assert "Sales tax is automated" in syncd.refused("map", "tax", "set", "1", "8.5", "California")
    assert "Sales tax is automated" in syncd("map", "tax", "suggest", "1").out
    assert syncd("map", "tax", "suggest", "1", "--json").json == []


# --- the connection ---


def test_a_company_has_to_be_connected(syncd: Commands, us: Realm, database: Database) -> None:
    syncd("map", "accounts", "set", "1", "income", "Services")
    database.execute("select syncd.disconnect_company('1')")
    for words in (
        ["accounts", "set", "1", "income", "Services"],
        ["items", "suggest", "1"],
        ["payment-methods", "set", "1", "card", "Visa"],
        ["tax", "suggest", "1"],
    ):
        refusal = syncd.refused("map", *words, code=1)
        assert refusal.startswith(
            'syncd: Company "1" is not connected to QuickBooks. First: syncd company connect 1'
        )
    assert f"this is kept for realm {us.realm}" in syncd("map", "accounts", "list", "1").out
    assert "There are names once the company is connected" in syncd("map", "payment-methods", "list", "1").out


def test_a_lost_connection_is_said_to_be_lost(syncd: Commands, us: Realm, database: Database) -> None:
    database.execute("update syncd.company set state = 'needs_reconnect'")
    assert "The connection to QuickBooks is lost." in syncd.refused("map", "accounts", "suggest", "1", code=1)


def test_an_unknown_company_is_a_sentence(syncd: Commands) -> None:
    for kind in ("accounts", "items", "employees", "payment-methods", "tax"):
        assert 'There is no company "9".' in syncd.refused("map", kind, "list", "9")


def test_readers_may_look_and_not_write(syncd: Commands, us: Realm, database: Database) -> None:
    us.member("Bob Hill", "bob@yard.example")
    syncd.environment(SYNCD_DSN=database.reader_dsn)
    for kind in ("accounts", "items", "employees", "payment-methods", "tax"):
        syncd("map", kind, "list", "1")
    for words in (["accounts", "clear", "1", "income"], ["payment-methods", "set", "1", "card", "Visa"]):
        assert "This database role may not do that" in syncd.refused("map", *words, code=1)


def test_no_answer_is_a_sentence(syncd: Commands, us: Realm) -> None:
    syncd.environment(SYNCD_QBO_SANDBOX_URL="http://127.0.0.1:9")
    refusal = syncd.refused("map", "accounts", "suggest", "1", code=1)
    assert refusal.endswith("Nothing was changed; try again.")


def test_more_than_a_page_is_read(syncd: Commands, us: Realm, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncd.cli.books.PAGE", 2)
    assert syncd("map", "accounts", "suggest", "1", "--json").json[0]["qbo_name"] == "Services"
    names = [
        row["qbo_name"] for row in syncd("map", "payment-methods", "suggest", "1", "--json").json["unused"]
    ]
    assert names == ["Visa", "MasterCard"]
