"""What a write does to one object, whether it comes alone or in a batch."""

from dataclasses import dataclass

from syncd.sandbox import faults
from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.present import present
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json
from syncd.sandbox.world import World
from syncd.sandbox.writes import commit, delete, draft_write, save


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
    asked = "void" in include.split(",") if entity.void_by == "include" else operation == "void"
    if operation == "delete" and entity.deletable:
        gone = delete(_bare(world, company, entity, body, now))
        return Done(gone.id, {"status": "Deleted", "domain": "QBO", "Id": gone.id})
    if asked and entity.void is not None:
        write = _bare(world, company, entity, body, now)
        entity.void(write)
        stored = commit(write)
    elif operation in ("create", "update"):
        stored = save(world.entities, company, entity, body, world.quirks, now)
    else:
        raise faults.unsupported(operation)
    return Done(stored.id, present(world.entities, company, stored, world.quirks))


def _bare(world: World, company: Company, entity: Entity, body: dict[str, Json], now: float) -> Write:
    """A write that changes nothing yet: of the body only Id and SyncToken count."""
    bare: dict[str, Json] = {"Id": body.get("Id"), "SyncToken": body.get("SyncToken"), "sparse": True}
    write = draft_write(world.entities, company, entity, bare, world.quirks, now)
    if write.before is None:
        raise faults.required("Id")
    return write
