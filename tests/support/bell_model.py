"""The bell's protocol as a model small enough to visit every state of it.

Writers and the daemon are moved one step at a time, in every order. A step is *sure* if nothing can keep it from
happening soon: the daemon's own, a grant, the end of a commit that has begun. What a writer does is not: his
transaction may stay open for ever. `late` finds a state in which a committed row waits and nothing is sure to happen.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class Rules:
    """The protocol, and how it might be got wrong."""

    second_look: Literal["after the grant", "before the grant", "never"] = "after the grant"
    looks_while_it_waits: bool = True
    unlocks_if_granted_while_cancelling: bool = True
    writer_keeps_lock_until_commit: bool = True
    notify_waits_for_commit: bool = True


class Writer(NamedTuple):
    """A transaction of SIP, with one row."""

    row: Literal["none", "written", "signalled", "visible", "taken"] = "none"
    shared: bool = False  # holds the bell's lock
    ring: Literal["no", "at commit", "on its way"] = "no"


class State(NamedTuple):
    """Everybody's."""

    writers: tuple[Writer, ...]
    daemon: Literal[
        "forget", "look", "ask", "early look", "queued", "second look", "asleep", "cancel", "unlock"
    ]
    lock: Literal["free", "queued", "held"] = "free"  # the daemon's, exclusive
    rung: bool = False


class Step(NamedTuple):
    """A step that may be taken, and where it leads."""

    what: str
    sure: bool
    to: State


def steps(state: State, rules: Rules) -> Iterator[Step]:
    """Every step that somebody can take."""
    for number, writer in enumerate(state.writers):
        for what, sure, after in _writer_steps(writer, state, rules):
            writers = (*state.writers[:number], after, *state.writers[number + 1 :])
            rung = state.rung or (writer.ring == "on its way" and after.ring == "no")
            yield Step(f"writer {number} {what}", sure, state._replace(writers=writers, rung=rung))
    if state.lock == "queued" and not any(writer.shared for writer in state.writers):
        yield Step("the bell is granted", True, state._replace(lock="held"))
    for what, to in _daemon_steps(state, rules):
        yield Step(f"the daemon {what}", True, to)


def _writer_steps(writer: Writer, state: State, rules: Rules) -> Iterator[tuple[str, bool, Writer]]:
    if writer.row == "none":
        yield "writes", False, writer._replace(row="written")
    if writer.row == "written":
        # A request that waits is in the way of new ones, as a lock that is held.
        if state.lock == "free" or writer.shared:
            yield "gets the lock", False, writer._replace(row="signalled", shared=True)
        else:
            ring: Literal["at commit", "on its way"] = (
                "at commit" if rules.notify_waits_for_commit else "on its way"
            )
            yield "will ring", False, writer._replace(row="signalled", ring=ring)
    if writer.row == "signalled":
        yield "writes again", False, writer._replace(row="written")
        yield "rolls back", False, Writer()
        yield (
            "commits",
            False,
            writer._replace(row="visible", ring="no" if writer.ring == "no" else "on its way"),
        )
    ended = writer.row in ("visible", "taken")
    if writer.shared and (ended or not rules.writer_keeps_lock_until_commit):
        yield "lets go of the lock", True, writer._replace(shared=False)
    # Postgres tells the listeners after it has released the locks.
    if writer.ring == "on its way" and not writer.shared:
        yield "is heard", True, writer._replace(ring="no")


def _daemon_steps(state: State, rules: Rules) -> Iterator[tuple[str, State]]:
    match state.daemon:
        case "forget":
            yield "forgets what was rung", state._replace(daemon="look", rung=False)
        case "look":
            yield _look(state, if_found="forget", else_="ask")
        case "ask" if state.rung:
            yield "was rung meanwhile", state._replace(daemon="forget")
        case "ask":
            early = rules.second_look == "before the grant"
            lock: Literal["held", "queued"] = "held" if state.lock == "held" else "queued"
            yield "asks for the bell", state._replace(daemon="early look" if early else "queued", lock=lock)
        case "early look":
            yield _look(state, if_found="cancel", else_="queued")
        case "queued":
            if state.lock == "held":
                looks = rules.second_look == "after the grant"
                yield "has the bell", state._replace(daemon="second look" if looks else "asleep")
            if state.rung:
                yield "is woken while it waits", state._replace(daemon="cancel")
            if rules.looks_while_it_waits and any(writer.row == "visible" for writer in state.writers):
                yield _look(state, if_found="cancel", else_="queued")
        case "second look":
            yield _look(state, if_found="unlock", else_="asleep")
        case "asleep" if state.rung:
            yield "is woken", state._replace(daemon="unlock")
        case "cancel" if state.lock == "queued":
            yield "cancels", state._replace(daemon="forget", lock="free")
        case "cancel":
            unlocks = rules.unlocks_if_granted_while_cancelling
            yield "cancels too late", state._replace(daemon="unlock" if unlocks else "forget")
        case "unlock":
            yield "unlocks", state._replace(daemon="forget", lock="free")


def _look(
    state: State,
    if_found: Literal["forget", "cancel", "unlock"],
    else_: Literal["ask", "queued", "asleep"],
) -> tuple[str, State]:
    found = any(writer.row == "visible" for writer in state.writers)
    writers = tuple(
        writer._replace(row="taken") if writer.row == "visible" else writer for writer in state.writers
    )
    return "looks", state._replace(writers=writers, daemon=if_found if found else else_)


@dataclass(frozen=True)
class Found:
    """What a visit of all states found: how many, which of the daemon's, and the shortest ways to what must not be."""

    states: int
    daemon: frozenset[str]
    late: tuple[str, ...] | None
    rings_for_nobody: tuple[str, ...] | None


def explore(rules: Rules, writers: int) -> Found:
    """Visit every state, nearest first."""
    start = State(writers=(Writer(),) * writers, daemon="forget")
    came: dict[State, tuple[State, str] | None] = {start: None}
    found = Found(0, frozenset(), None, None)
    todo = deque([start])
    while todo:
        state = todo.popleft()
        possible = list(steps(state, rules))
        waits = any(writer.row == "visible" for writer in state.writers)
        if found.late is None and waits and not any(step.sure for step in possible):
            found = replace(found, late=_way(state, came))
        if found.rings_for_nobody is None and state.daemon == "look" and state.lock != "free":
            found = replace(found, rings_for_nobody=_way(state, came))
        for step in possible:
            if step.to not in came:
                came[step.to] = (state, step.what)
                todo.append(step.to)
    return replace(found, states=len(came), daemon=frozenset(state.daemon for state in came))


def _way(state: State, came: dict[State, tuple[State, str] | None]) -> tuple[str, ...]:
    way: list[str] = []
    while (step := came[state]) is not None:
        state, what = step
        way.append(what)
    return tuple(reversed(way))
