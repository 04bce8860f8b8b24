"""`syncd push`: all records of one kind, by hand."""

from __future__ import annotations

import os
import pwd
import re
import signal
from typing import TYPE_CHECKING

import pytest

from syncd.cli import follow
from tests.support.by_hand import before_sync, work
from tests.support.cli import Commands
from tests.support.database import Database
from tests.support.engine import Engine

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from tests.support.database import Begin

    Add = Callable[..., list[str]]
    Meanwhile = Callable[[Callable[[], object]], None]
    Works = Callable[..., None]

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
def database(begun: Begin) -> Database:
    """With company 1, on which sync is on."""
    return begun(Database.add_company)


@pytest.fixture
def engine(database: Database) -> Engine:
    """A daemon that is alive and does what the test makes it do."""
    return Engine(database, "1 hour")


@pytest.fixture
def syncd(
    engine: Engine, database: Database, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Commands:
    return Commands(monkeypatch, capsys, SYNCD_DSN=database.admin_dsn)


@pytest.fixture
def before(database: Database) -> Add:
    """Makes customers of the time before sync was on."""
    return lambda *names: before_sync(database, *names)


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """What happens each time `syncd push` waits."""

    def happens(something: Callable[[], object]) -> None:
        def instead(pressed: threading.Event, _seconds: float) -> None:
            something()
            pause(pressed, 0)

        monkeypatch.setattr(follow, "pause", instead)

    pause = follow.pause
    return happens


@pytest.fixture
def works(engine: Engine, meanwhile: Meanwhile) -> Works:
    """The daemon sends all that is due each time `syncd push` waits; what has a fault under its name is refused."""

    def go(**faults: dict[str, object]) -> None:
        meanwhile(lambda: work(engine, faults))

    return go


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], list[str]]:
    """Somebody sits at the terminal and answers; returns what they are asked."""

    def answers(yes: bool) -> list[str]:
        questions: list[str] = []

        def confirm(question: str) -> bool:
            questions.append(question)
            return yes

        monkeypatch.setattr("syncd.cli.push.has_person", lambda: True)
        monkeypatch.setattr("syncd.cli.push.click.confirm", confirm)
        return questions

    return answers


TAKEN: dict[str, object] = {
    "fault": "record",
    "code": "6240",
    "error": "That name is taken.",
    "http_status": 400,
}


def sources(database: Database) -> list[tuple[str, str]]:
    return database.rows(
        "select entity_name, source::text || ' ' || status::text from syncd.sync_log order by log_id"
    )


def test_what_was_there_before_sync_was_on_is_sent(
    syncd: Commands, database: Database, before: Add, works: Works
) -> None:
    before("Ann", "Bob", "Cid")
    works()
    said = syncd("push", "1", "customers", "--yes").out
    assert said == "Push all 3 customers of Company 1 to QuickBooks.\n3 customers: 3 sent, 0 already there.\n"
    assert sources(database) == [(name, "manual success") for name in ("Ann", "Bob", "Cid")]
    assert database.rows("select entity_type, asked_by, records, already from syncd.run") == [
        ("customer", ME, 3, 0)
    ]


def test_a_push_of_the_same_again_sends_nothing(
    syncd: Commands, database: Database, before: Add, works: Works
) -> None:
    before("Ann", "Bob")
    works()
    syncd("push", "1", "customers", "--yes")
    said = syncd("push", "1", "customers", "--yes").out
    assert said == "There is nothing to push: QuickBooks has all 2 customers of Company 1 already.\n"
    before("Cid")
    said = syncd("push", "1", "customers", "--yes").out
    assert "2 are there already and will not be sent again." in said
    assert said.endswith("3 customers: 1 sent, 2 already there.\n")
    assert len(sources(database)) == 3


def test_a_record_that_changed_is_sent_again(
    syncd: Commands, database: Database, before: Add, works: Works
) -> None:
    before("Ann", "Bob")
    works()
    syncd("push", "1", "customers", "--yes")
    database.switch("1", auto_customers=False)
    database.execute("update sip.customers set phone = '555-0100' where name = 'Ann'")
    assert syncd("push", "1", "customers", "--yes").out.endswith("2 customers: 1 sent, 1 already there.\n")


def test_nothing_to_push_is_said(syncd: Commands) -> None:
    said = syncd("push", "1", "customers", "--yes").out
    assert said == "There is nothing to push: there are no customers of Company 1.\n"


def test_records_that_are_deleted_are_none_of_them(syncd: Commands, database: Database, before: Add) -> None:
    before("Ann")
    database.execute("update sip.customers set deleted_at = now()")
    assert "there are no customers" in syncd("push", "1", "customers", "--yes").out


def test_other_companies_have_no_part_in_it(
    syncd: Commands, database: Database, before: Add, works: Works
) -> None:
    database.add_company("2", realm="2")
    before("Ann")
    database.execute("update sip.customers set organization_id = 2")
    before("Bob")
    works()
    said = syncd("push", "1", "customers", "--yes").out
    assert said.endswith("1 customer: 1 sent, 0 already there.\n")
    assert sources(database) == [("Bob", "manual success")]


def test_it_asks_first_and_says_what_it_would_do(
    syncd: Commands, database: Database, before: Add, asked: Callable[[bool], list[str]]
) -> None:
    before("Ann", "Bob")
    questions = asked(False)
    assert syncd("push", "1", "customers").out == "Nothing is sent.\n"
    database.switch("1", enable_sync=False)
    syncd("push", "1", "customers")
    assert questions == [
        "Push all 2 customers of Company 1 to QuickBooks?",
        "Push all 2 customers of Company 1 to QuickBooks?"
        " Enable Sync is off: what is pushed by hand goes all the same.",
    ]
    assert database.value("select count(*) from syncd.job") == 0
    assert database.value("select count(*) from syncd.run") == 0


def test_a_yes_sends(syncd: Commands, before: Add, works: Works, asked: Callable[[bool], list[str]]) -> None:
    before("Ann")
    works()
    questions = asked(True)
    assert syncd("push", "1", "customers").out == "1 customer: 1 sent, 0 already there.\n"
    assert len(questions) == 1


def test_where_nobody_can_be_asked_it_must_be_told(syncd: Commands, database: Database, before: Add) -> None:
    before("Ann")
    refusal = syncd.refused("push", "1", "customers")
    assert refusal == "syncd: Push the only customer of Company 1 to QuickBooks? Give --yes to confirm."
    assert database.value("select count(*) from syncd.job") == 0


def test_it_works_while_enable_sync_is_off(
    syncd: Commands, database: Database, before: Add, works: Works
) -> None:
    database.switch("1", enable_sync=False, auto_customers=False)
    before("Ann")
    works()
    said = syncd("push", "1", "customers", "--yes").out
    assert "Enable Sync is off: what is pushed by hand goes all the same." in said
    assert said.endswith("1 customer: 1 sent, 0 already there.\n")


@pytest.mark.parametrize(
    ("state", "sentence"),
    [
        (
            "disconnected",
            'Company 1 ("Company 1") is not connected to QuickBooks, so nothing is sent. Connect it:',
        ),
        ("needs_reconnect", "The connection to QuickBooks is lost, so nothing is sent. Connect it again:"),
    ],
)
def test_without_a_connection_it_says_how_to_connect(
    syncd: Commands, database: Database, before: Add, state: str, sentence: str
) -> None:
    before("Ann")
    database.execute("update syncd.company set state = %s", (state,))
    refusal = syncd.refused("push", "1", "customers", "--yes", code=1)
    assert sentence in refusal
    # In the environment in which it was.
    assert refusal.endswith("syncd company connect 1 --environment sandbox < tokens.json")
    assert database.value("select count(*) from syncd.job") == 0


def test_a_connection_lost_while_the_question_is_read(
    syncd: Commands, database: Database, before: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    before("Ann")
    monkeypatch.setattr("syncd.cli.push.has_person", lambda: True)

    def yes_at_last(_question: str) -> bool:
        database.execute("update syncd.company set state = 'disconnected'")
        return True

    monkeypatch.setattr("syncd.cli.push.click.confirm", yes_at_last)
    assert "is not connected to QuickBooks" in syncd.refused("push", "1", "customers", code=1)
    assert database.value("select count(*) from syncd.run") == 0


def test_what_failed_is_tried_again(syncd: Commands, before: Add, works: Works) -> None:
    before("Ann", "Bob")
    works(Ann=TAKEN)
    said = syncd("push", "1", "customers", "--yes", code=1).out
    assert said.endswith(
        "2 customers: 1 sent, 0 already there, 1 failed.\n  Ann failed: That name is taken.\n"
    )
    works()
    assert syncd("push", "1", "customers", "--yes").out.endswith("2 customers: 1 sent, 1 already there.\n")


def test_what_will_be_tried_again_by_itself_is_not_waited_for(
    syncd: Commands, before: Add, works: Works
) -> None:
    before("Ann")
    works(Ann={**TAKEN, "may_help": True})
    said = syncd("push", "1", "customers", "--yes", code=1).out
    assert re.search(r"1 failed.\n  Ann failed: That name is taken. Tried again in (59 s|1 min).\n", said)


def test_those_that_fared_alike_are_told_of_once(syncd: Commands, before: Add, works: Works) -> None:
    before("Ann", "Bob", *(f"C{number}" for number in range(7)))
    works(Ann=TAKEN, Bob=TAKEN, **{f"C{n}": {**TAKEN, "error": f"Reason {n}."} for n in range(7)})
    said = syncd("push", "1", "customers", "--yes", code=1).out.splitlines()[1:]
    assert said == [
        "9 customers: 0 sent, 0 already there, 9 failed.",
        "  2 failed: That name is taken.",
        "  C0 failed: Reason 0.",
        "  C1 failed: Reason 1.",
        "  C2 failed: Reason 2.",
        "  C3 failed: Reason 3.",
        "  3 more failed: syncd log 1 --status error",
    ]


def test_what_quickbooks_took_otherwise_is_no_success(
    syncd: Commands, database: Database, engine: Engine, before: Add, meanwhile: Meanwhile
) -> None:
    before("Ann")

    def goes_wrong() -> None:
        [epoch] = engine.lease().values()
        [job] = engine.decide(epoch)
        call = engine.intend(epoch, job)
        assert call is not None
        engine.record(
            epoch, call, outcome="variance", qbo_id="58", sync_token="0", error="QuickBooks calls it An."
        )

    meanwhile(goes_wrong)
    said = syncd("push", "1", "customers", "--yes", code=1).out
    assert "1 failed.\n  Ann failed: QuickBooks calls it An.\n" in said


def test_what_a_later_push_took_over_is_said(
    syncd: Commands, database: Database, before: Add, meanwhile: Meanwhile
) -> None:
    before("Ann", "Bob")
    meanwhile(lambda: database.execute("select syncd.push('1', 'customer', 'somebody else')"))
    said = syncd("push", "1", "customers", "--yes", code=1).out
    assert said.endswith("0 customers: 0 sent, 0 already there.\n  2 more went over to a later push.\n")


def test_without_waiting(syncd: Commands, database: Database, before: Add) -> None:
    before("Ann", "Bob")
    said = syncd("push", "1", "customers", "--yes", "--no-wait").out
    assert said.endswith("2 customers will be sent. See: syncd status 1\n")
    assert database.rows("select distinct state::text, source::text, class::text from syncd.job") == [
        ("pending", "manual", "backfill")
    ]
    assert database.value("select due_at <= clock_timestamp() from syncd.lane") is True


def test_without_a_daemon_it_does_not_wait(syncd: Commands, database: Database, before: Add) -> None:
    before("Ann")
    database.execute("delete from syncd.worker")
    said = syncd("push", "1", "customers", "--yes", code=1).out
    assert (
        "1 customer: 0 sent, 0 already there, 1 on the way.\nNo daemon is running, so nothing is sent."
        in said
    )


def test_without_a_daemon_no_wait_says_so_too(syncd: Commands, database: Database, before: Add) -> None:
    before("Ann")
    database.execute("delete from syncd.worker")
    said = syncd("push", "1", "customers", "--yes", "--no-wait")
    assert said.err == "No daemon is running, so nothing is sent. Start one: systemctl start syncd\n"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ("update syncd.company set state = 'needs_reconnect'", "The connection to QuickBooks is lost"),
        (
            "update syncd.lane set not_before = clock_timestamp() + interval '3601 s', paused_because = 'Lapsed.'",
            "Nothing goes out for 1 h more: Lapsed. What was pushed goes out then.",
        ),
        ("delete from syncd.worker", "No daemon is running"),
    ],
)
def test_what_will_keep_it_for_long_ends_the_waiting(
    syncd: Commands,
    database: Database,
    before: Add,
    meanwhile: Meanwhile,
    change: str,
    sentence: str,
) -> None:
    before("Ann")
    meanwhile(lambda: database.execute(change))
    assert sentence in syncd("push", "1", "customers", "--yes", code=1).out


def test_ctrl_c_leaves_the_work_going(
    syncd: Commands, database: Database, before: Add, meanwhile: Meanwhile
) -> None:
    before("Ann")

    meanwhile(lambda: signal.raise_signal(signal.SIGINT))
    said = syncd("push", "1", "customers", "--yes", code=130)
    assert said.err == "What was pushed goes on without you. See: syncd status 1\n"
    assert database.value("select state::text from syncd.job") == "pending"


def test_to_a_file_progress_is_a_line_every_few_seconds(
    syncd: Commands,
    database: Database,
    before: Add,
    works: Works,
    meanwhile: Meanwhile,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before("Ann", "Bob")
    monkeypatch.setattr("syncd.cli.follow.SAY_SECONDS", 0)
    database.execute(
        "update syncd.lane set not_before = clock_timestamp() + interval '60 s', paused_because = 'Busy.'"
    )

    def then_it_works() -> None:
        database.execute("update syncd.lane set not_before = clock_timestamp()")
        works()

    meanwhile(then_it_works)
    said = syncd("push", "1", "customers", "--yes").err.splitlines()
    assert said[0] == "0 of 2 customers done. Nothing goes out for 1 min more: Busy."


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["9", "customers"], 'There is no company "9".'),
        (
            ["1", "widgets"],
            'There is no type of record "widgets". Choose from: customers, invoices, payments, service-items, '
            "timesheet-entries.",
        ),
    ],
)
def test_wrong_words_are_wrong_use(syncd: Commands, words: list[str], sentence: str) -> None:
    assert sentence in syncd.refused("push", *words, "--yes")
