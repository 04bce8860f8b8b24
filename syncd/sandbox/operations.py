"""What a write does to one object, whether it comes alone or in a batch."""

from dataclasses import dataclass

from syncd.sandbox import faults
from syncd.sandbox.entity import Entity
from syncd.sandbox.present import present
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.wire import Json
from syncd.sandbox.world import World
from syncd.sandbox.writes import commit, delete, draft_write, existing, save


@dataclass(frozen=True)
class Done:
    """A write carried out: the object as the answer shows it."""

    id: str
    shown: dict[str, Json]


def carry_out(
    world: World, company: Company, entity: Entity, operation: str, include: str, body: dict[str, Json]
) -> Done:
    """Create, update, void or delete; QboFaultError if it is refused.

    `include` is the query parameter of that name, in a batch the item's optionsData.
    """
    if not entity.writable:
        raise faults.unsupported(operation)
    now = world.clock.now()
    if operation == "delete" and entity.deletable:
        gone = delete(company, entity, body, world.quirks, now)
        return Done(gone.id, {"status": "Deleted", "domain": "QBO", "Id": gone.id})
    asked = "void" in include.split(",") if entity.void_by == "include" else operation == "void"
    if entity.void is not None and asked:
        stored = _void(world, company, entity, body, now)
    elif operation in ("create", "update"):
        stored = save(world.entities, company, entity, body, world.quirks, now)
    else:
        raise faults.unsupported(operation)
    return Done(stored.id, present(world.entities, company, stored, world.quirks))


def _void(world: World, company: Company, entity: Entity, body: dict[str, Json], now: float) -> Stored:
    if existing(company, entity, body) is None or entity.void is None:
        raise faults.required("Id")
    write = draft_write(
        company, entity, {"Id": body["Id"], "SyncToken": body["SyncToken"], "sparse": True}, world.quirks, now
    )
    entity.void(write)
    return commit(write)
