"""What a write does to one object, whether it comes alone or in a batch."""

from dataclasses import dataclass

from syncd.sandbox import faults
from syncd.sandbox.entity import Entity
from syncd.sandbox.present import present
from syncd.sandbox.store import Company
from syncd.sandbox.wire import Json
from syncd.sandbox.world import World
from syncd.sandbox.writes import save


@dataclass(frozen=True)
class Done:
    """A write carried out: the object as the answer shows it."""

    id: str
    shown: dict[str, Json]


def carry_out(world: World, company: Company, entity: Entity, operation: str, body: dict[str, Json]) -> Done:
    """Create, update or delete; QboFaultError if it is refused."""
    if operation not in ("create", "update"):
        raise faults.unsupported(operation)
    stored = save(world.entities, company, entity, body, world.quirks, world.clock.now())
    return Done(stored.id, present(world.entities, company, stored, world.quirks))
