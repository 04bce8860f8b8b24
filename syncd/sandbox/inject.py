"""Faults a test orders: slow answers, lost answers, and answers of other kinds."""

import asyncio
import random
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, fields

from syncd.sandbox import faults
from syncd.sandbox.wire import Json

KINDS = (
    "delay",
    "hold",
    "hang",
    "drop-before",
    "drop-after",
    "status",
    "html",
    "fault",
    "fault-200",
    "throttle",
    "token-dead",
    "item-fault",
)


@dataclass
class Injected:
    """An ordered fault: what happens, how often, and to which requests.

    `times` 0 means until it is deleted; `skip` lets that many matching requests
    pass first. With `when` "after" the request is carried out first and only its
    answer is delayed, held back or replaced. Empty conditions match everything
    under /v3. A delay is part of the call: it counts as running meanwhile. So is a
    hold, which ends when its order is deleted.
    """

    kind: str
    times: int = 1
    skip: int = 0
    when: str = "before"
    method: str = ""
    path: str = ""
    realm_id: str = ""
    entity: str = ""
    seconds: float = 0.0
    status: int = 0
    code: str = ""
    message: str = ""
    detail: str = ""
    probability: float = 1.0
    id: int = 0
    used: int = 0

    def matches(self, method: str, path: str, realm_id: str, entities: Collection[str]) -> bool:
        """Whether a request meets every condition; a batch has the entities of its items, and "batch".

        The token endpoint (entity "token") must be meant by name or path, so that
        a fault for the next write is not used up by a refresh before it.
        """
        if "token" in entities and not (self.path or self.entity):
            return False
        return (
            (not self.method or self.method.upper() == method)
            and (not self.path or self.path in path)
            and (not self.realm_id or self.realm_id == realm_id)
            and (not self.entity or self.entity.lower() in {entity.lower() for entity in entities})
        )

    def fault(self) -> faults.QboFaultError:
        """The fault that kinds `fault`, `fault-200` and `item-fault` answer."""
        code = self.code or "10000"
        system = code == "10000"
        error = faults.Error(
            code,
            self.message or "An application error has occurred while processing your request",
            self.detail or "System Failure Error: ordered by the sandbox",
        )
        status = 200 if self.kind == "fault-200" else self.status or (500 if system else 400)
        return faults.QboFaultError(status, faults.SYSTEM if system else faults.VALIDATION, [error])


class Injector:
    """The ordered faults, oldest first."""

    def __init__(self) -> None:
        self._faults: list[Injected] = []
        self._holds: dict[int, asyncio.Event] = {}
        self._last_id = 0
        self._random = random.Random(20170801)  # noqa: S311 - chance in tests, no secret

    def add(self, order: Mapping[str, object]) -> dict[str, Json]:
        """Order a fault; ValueError says what is wrong with the order."""
        injected = _read(order)
        self._last_id += 1
        injected.id = self._last_id
        self._faults.append(injected)
        if injected.kind == "hold":
            self._holds[injected.id] = asyncio.Event()
        return asdict(injected)

    def listing(self) -> list[dict[str, Json]]:
        """The faults still to come."""
        return [asdict(injected) for injected in self._faults]

    def clear(self) -> None:
        """Forget them all, and let go what is held."""
        self._faults.clear()
        for released in self._holds.values():
            released.set()
        self._holds.clear()

    def delete(self, id_: int) -> bool:
        """Forget one, and let go what it holds; False if there is none with this id."""
        left = [injected for injected in self._faults if injected.id != id_]
        known = id_ in self._holds or len(left) < len(self._faults)
        self._faults = left
        if id_ in self._holds:
            self._holds.pop(id_).set()
        return known

    def released(self, injected: Injected) -> asyncio.Event:
        """What a held call waits for."""
        return self._holds[injected.id]

    def take(self, method: str, path: str, realm_id: str, entities: Collection[str]) -> list[Injected]:
        """What happens to this request: any delays and holds, then at most one other fault."""
        taken: list[Injected] = []
        for injected in list(self._faults):
            if injected.kind == "item-fault" or not injected.matches(method, path, realm_id, entities):
                continue
            if self._passes(injected):
                continue
            taken.append(injected)
            if injected.kind not in {"delay", "hold"}:
                break
        return taken

    def take_item(self, realm_id: str, entity: str) -> faults.QboFaultError | None:
        """The fault ordered for an item of a batch, if there is one."""
        for injected in list(self._faults):
            if injected.kind != "item-fault" or not injected.matches("POST", "", realm_id, [entity]):
                continue
            if not self._passes(injected):
                return injected.fault()
        return None

    def _passes(self, injected: Injected) -> bool:
        """Whether a matching request goes by unharmed; counts the order down if it does not."""
        if injected.probability < 1 and self._random.random() >= injected.probability:
            return True
        if injected.skip:
            injected.skip -= 1
            return True
        injected.used += 1
        if injected.used == injected.times:
            self._faults.remove(injected)
        return False


_TYPES: dict[str, type | tuple[type, ...]] = {
    "times": int,
    "skip": int,
    "status": int,
    "seconds": (int, float),
    "probability": (int, float),
}


def _read(order: Mapping[str, object]) -> Injected:
    known = {entry.name for entry in fields(Injected)} - {"id", "used"}
    for name, value in order.items():
        if name not in known:
            raise ValueError(f"A fault has no {name!r}; choose from {', '.join(sorted(known))}.")
        wanted = _TYPES.get(name, str)
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ValueError(f"{name!r} cannot be {value!r}.")  # noqa: TRY004 - answered as HTTP 400
    if order.get("kind") not in KINDS:
        raise ValueError(f"'kind' must be one of {', '.join(KINDS)}.")
    if order.get("when", "before") not in ("before", "after"):
        raise ValueError("'when' must be before or after.")
    return Injected(**order)  # type: ignore[arg-type]
