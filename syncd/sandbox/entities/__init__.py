"""The entities the sandbox knows: each module here declares one as `ENTITY`."""

import importlib
import pkgutil

from syncd.sandbox.entity import Entity


def discover() -> dict[str, Entity]:
    """Every entity by name. A new module in this folder is all a new entity takes."""
    found: dict[str, Entity] = {}
    for module in pkgutil.iter_modules(__path__):
        entity: Entity = importlib.import_module(f"{__name__}.{module.name}").ENTITY
        found[entity.name] = entity
    return found
