"""Batches: up to 30 independent operations in one request (API reference, Batch).

Each item stands or falls alone, and none sees what another item of the same
batch has made: queries are answered as of before the batch, and an id made in
it leads nowhere until the answer is out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from syncd.sandbox import faults
from syncd.sandbox.call import Call, answer_with
from syncd.sandbox.evaluate import run
from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.operations import carry_out
from syncd.sandbox.query import parse
from syncd.sandbox.replay import Answer
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json

MAX_ITEMS = 30
MAX_BID = 10

Item = dict[str, Json]


def run_batch(call: Call, company: Company) -> Answer:
    """Answer every item; QboFaultError for a batch that is refused as a whole."""
    items = _checked(call)
    answers: dict[str, Item] = {}
    try:
        for item in sorted(items, key=lambda item: "Query" not in item):
            answers[str(item["bId"])] = _answered(call, company, item)
    finally:
        company.show_new()
    responses: list[Json] = [answers[str(item["bId"])] for item in items]
    if call.world.quirks["batch-order"] == "reversed":
        responses.reverse()
    return replace(answer_with(call, {"BatchItemResponse": responses}), item_codes=_codes(answers))


def _codes(answers: Mapping[str, Item]) -> dict[str, str]:
    """The fault code of each answer that is one, by bId."""
    codes = {}
    for bid, answer in answers.items():
        match answer:
            case {"Fault": {"Error": [{"code": str(code)}, *_]}}:
                codes[bid] = code
    return codes


def _checked(call: Call) -> list[Item]:
    """The items; the faults of a batch as a whole are 2020, 1040, 2010, 2050 and 2600."""
    given = call.read_json().get("BatchItemRequest")
    if not given:
        raise faults.required("BatchItemRequest")
    if not isinstance(given, list):
        raise faults.bad_property()
    if len(given) > MAX_ITEMS:
        raise faults.batch_too_big(MAX_ITEMS)
    items = [item for item in given if isinstance(item, dict)]
    if len(items) < len(given):
        raise faults.bad_property()
    bids = [item.get("bId") for item in items]
    if not all(isinstance(bid, str) and bid for bid in bids):
        raise faults.required("bId")
    longest = max(len(str(bid)) for bid in bids)
    if call.requestid is not None and longest > MAX_BID:
        raise faults.bad_length("bId", MAX_BID, longest)
    if len(set(bids)) < len(bids):
        raise faults.validation("2600", "Conflicting Elements", "The bId of each item must be unique.", "bId")
    return items


def _answered(call: Call, company: Company, item: Item) -> Item:
    """One item's answer, from memory where the quirk says that items are remembered one by one."""
    bid = str(item["bId"])
    by_item = call.requestid is not None and call.world.quirks["batch-subset"] == "replayed"
    key = f"{call.requestid}\n{bid}"
    if by_item:
        kept = call.world.replay.recall_item(call.realm, key, call.now, call.world.quirks["replay-memory"])
        if kept is not None:
            return kept
    try:
        answer = {"bId": bid, **_carried_out(call, company, item)}
    except QboFaultError as fault:
        answer = {"bId": bid, "Fault": fault.document(call.now, lower=False)["Fault"]}
    if by_item:
        call.world.replay.keep_item(call.realm, key, call.now, answer)
    return answer


def _carried_out(call: Call, company: Company, item: Item) -> Item:
    world = call.world
    names = [name for name in item if name in world.entities]
    ordered = world.injector.take_item(call.realm, "query" if "Query" in item else "".join(names))
    if ordered is not None:
        raise ordered
    if "Query" in item:
        _only(item, ("bId", "Query"))
        found = run(world.entities, company, parse(str(item["Query"])), world.quirks)
        return {"QueryResponse": found}
    if len(names) != 1:
        raise faults.bad_property()
    entity, body = world.entities[names[0]], item[names[0]]
    _only(item, ("bId", "operation", "optionsData", entity.name))
    operation = item.get("operation")
    if not isinstance(body, dict):
        raise faults.bad_property()
    if not isinstance(operation, str):
        raise faults.required("operation")
    if call.names_locked and call.locks(entity):
        raise faults.names_locked()
    if operation == "create":
        body = {name: value for name, value in body.items() if name != "Id"}
    elif not body.get("Id") and not entity.singleton:
        raise faults.required("Id")
    done = carry_out(world, company, entity, operation, str(item.get("optionsData", "")), body)
    company.hide_new(entity.name, done.id)
    return {entity.name: done.shown}


def _only(item: Item, known: Iterable[str]) -> None:
    if item.keys() - set(known):
        raise faults.bad_property()
