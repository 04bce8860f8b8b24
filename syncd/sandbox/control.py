"""The control interface under /sandbox: what a test or a demonstration needs to steer.

`docs/sandbox.md` describes it. Errors are HTTP 400 with `{"error": sentence}`.
"""

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal
from typing import TypeGuard, TypeVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from syncd.sandbox.entity import Entity, Write
from syncd.sandbox.faults import QboFaultError
from syncd.sandbox.oauth import token_document
from syncd.sandbox.present import present
from syncd.sandbox.quirks import QuirkError
from syncd.sandbox.store import Company, Stored
from syncd.sandbox.tokens import ACCOUNTING
from syncd.sandbox.wire import BodyError, Json, read_object, write
from syncd.sandbox.world import World
from syncd.sandbox.writes import check_references, commit

T = TypeVar("T")
Action = Callable[[Request, dict[str, Json]], Json]


class Control:
    """The control interface over one World."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """Every path under /sandbox."""
        return [
            self._route("/sandbox/health", "GET", self._health),
            self._route("/sandbox/companies", "GET", self._companies),
            self._route("/sandbox/companies", "POST", self._add_company),
            self._route("/sandbox/tokens", "POST", self._tokens),
            self._route("/sandbox/faults", "GET", self._faults),
            self._route("/sandbox/faults", "POST", self._add_fault),
            self._route("/sandbox/faults", "DELETE", self._clear_faults),
            self._route("/sandbox/faults/{id}", "DELETE", self._delete_fault),
            self._route("/sandbox/requests", "GET", self._requests),
            self._route("/sandbox/requests", "DELETE", self._clear_requests),
            self._route("/sandbox/objects/{realm}/{entity}", "GET", self._objects),
            self._route("/sandbox/edit/{realm}/{entity}/{id}", "POST", self._edit),
            self._route("/sandbox/ledger/{realm}", "GET", self._ledger),
            self._route("/sandbox/clock", "GET", self._clock),
            self._route("/sandbox/clock", "POST", self._move_clock),
            self._route("/sandbox/quirks", "GET", self._quirks),
            self._route("/sandbox/quirks", "POST", self._set_quirks),
            self._route("/sandbox/limits", "GET", self._limits),
            self._route("/sandbox/limits", "POST", self._set_limits),
        ]

    def _route(self, path: str, method: str, action: Action) -> Route:
        async def endpoint(request: Request) -> Response:
            try:
                text = (await request.body()).decode()
                answer = action(request, read_object(text) if text else {})
            except (ValueError, QuirkError, BodyError) as error:
                return _answer(400, {"error": str(error)})
            except QboFaultError as fault:
                return _answer(400, {"error": str(fault), "code": fault.code})
            return _answer(200, answer)

        return Route(path, endpoint, methods=[method])

    def _health(self, _request: Request, _body: dict[str, Json]) -> Json:
        return {"status": "ok", "companies": len(self._world.companies)}

    def _companies(self, _request: Request, _body: dict[str, Json]) -> Json:
        return {"companies": [company.summary() for company in self._world.companies.values()]}

    def _add_company(self, _request: Request, body: dict[str, Json]) -> Json:
        _only(body, "profile", "realm_id", "name", "timezone", "payroll", "multicurrency", "limits")
        limits = self._world.limits.changed(_typed(body, "limits", dict)) if "limits" in body else None
        company = self._world.add_company(
            _text(body, "profile") or "us-automated-tax",
            realm_id=_text(body, "realm_id"),
            name=_text(body, "name"),
            timezone=_text(body, "timezone"),
            payroll=_typed(body, "payroll", bool) if "payroll" in body else False,
            multicurrency=_typed(body, "multicurrency", bool) if "multicurrency" in body else None,
            limits=limits,
        )
        return company.summary()

    def _tokens(self, _request: Request, body: dict[str, Json]) -> Json:
        _only(body, "realm_id", "scope")
        realm = self._company(str(body.get("realm_id", ""))).realm_id
        scopes = frozenset(str(body.get("scope", ACCOUNTING)).split())
        now = self._world.clock.now()
        grant = self._world.tokens.consent(realm, self._world.client_id, scopes, now)
        return {"realm_id": realm, **token_document(self._world.tokens.issue(grant, now))}

    def _faults(self, _request: Request, _body: dict[str, Json]) -> Json:
        return {"faults": list(self._world.injector.listing())}

    def _add_fault(self, _request: Request, body: dict[str, Json]) -> Json:
        order = {name: float(value) if isinstance(value, Decimal) else value for name, value in body.items()}
        return self._world.injector.add(order)

    def _clear_faults(self, _request: Request, _body: dict[str, Json]) -> Json:
        self._world.injector.clear()
        return {"faults": []}

    def _delete_fault(self, request: Request, body: dict[str, Json]) -> Json:
        id_ = request.path_params["id"]
        if not id_.isdigit() or not self._world.injector.delete(int(id_)):
            raise ValueError(f"There is no fault {id_!r}.")
        return self._faults(request, body)

    def _requests(self, request: Request, _body: dict[str, Json]) -> Json:
        since = request.query_params.get("since", "0")
        if not since.isdigit():
            raise ValueError(f"'since' is a sequence number, not {since!r}.")
        realm = request.query_params.get("realm", "")
        return {"requests": list(self._world.journal.since(int(since), realm))}

    def _clear_requests(self, _request: Request, _body: dict[str, Json]) -> Json:
        self._world.journal.clear()
        return {"requests": []}

    def _objects(self, request: Request, _body: dict[str, Json]) -> Json:
        company, entity = self._target(request)
        return {"objects": [self._raw(company, stored) for stored in company.objects[entity.name].values()]}

    def _edit(self, request: Request, body: dict[str, Json]) -> Json:
        company, entity = self._target(request)
        before = company.get(entity.name, request.path_params["id"])
        if before is None:
            raise ValueError(f"There is no {entity.name} {request.path_params['id']}.")
        _only(body, *entity.by_name)
        draft = _merged(before.body, body)
        world = self._world
        now = world.clock.now()
        write_ = Write(world.entities, company, entity, before, dict(body), draft, True, world.quirks, now)
        check_references(write_)
        entity.rules(write_)
        return self._raw(company, commit(write_))

    def _ledger(self, request: Request, _body: dict[str, Json]) -> Json:
        company = self._company(request.path_params["realm"])
        company.ledger.audit()
        accounts: dict[str, Json] = {
            str(stored.body["Name"]): company.ledger.accounts[stored.id]
            for stored in company.objects["Account"].values()
        }
        entries: list[Json] = [
            {"entity": key[0], "id": key[1], "postings": [asdict(leg) for leg in legs]}
            for key, legs in company.ledger.entries.items()
        ]
        return {"accounts": accounts, "entries": entries}

    def _clock(self, _request: Request, _body: dict[str, Json]) -> Json:
        return {"now": Decimal(str(self._world.clock.now()))}

    def _move_clock(self, _request: Request, body: dict[str, Json]) -> Json:
        _only(body, "advance_seconds", "rate")
        for name, action in (
            ("advance_seconds", self._world.clock.advance),
            ("rate", self._world.clock.run_at),
        ):
            if name in body:
                value = body[name]
                if not _number(value):
                    raise ValueError(f"{name!r} must be a number, not {value!r}.")
                action(float(value))
        return {"now": Decimal(str(self._world.clock.now()))}

    def _quirks(self, _request: Request, _body: dict[str, Json]) -> Json:
        return {"quirks": dict(self._world.quirks.as_dict())}

    def _set_quirks(self, request: Request, body: dict[str, Json]) -> Json:
        self._world.quirks.set_all({name: str(value) for name, value in body.items()})
        return self._quirks(request, body)

    def _limits(self, _request: Request, _body: dict[str, Json]) -> Json:
        return asdict(self._world.limits)

    def _set_limits(self, request: Request, body: dict[str, Json]) -> Json:
        self._world.limits = self._world.limits.changed(body)
        return self._limits(request, body)

    def _company(self, realm: str) -> Company:
        company = self._world.companies.get(realm)
        if company is None:
            raise ValueError(f"There is no company with realm_id {realm!r}.")
        return company

    def _target(self, request: Request) -> tuple[Company, Entity]:
        company = self._company(request.path_params["realm"])
        name = request.path_params["entity"]
        if name not in self._world.entities:
            raise ValueError(f"There is no entity {name!r}; choose one of {', '.join(self._world.entities)}.")
        return company, self._world.entities[name]

    def _raw(self, company: Company, stored: Stored) -> dict[str, Json]:
        """An object as an answer shows it, with what is kept but masked or renamed there."""
        return present(self._world.entities, company, stored, self._world.quirks) | stored.body


def _answer(status: int, document: Json) -> Response:
    return Response(write(document), status, media_type="application/json")


def _merged(old: dict[str, Json], changes: dict[str, Json]) -> dict[str, Json]:
    """Changes laid over an object, group by group; null removes."""
    merged = dict(old)
    for name, value in changes.items():
        before = merged.get(name)
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, dict) and isinstance(before, dict):
            merged[name] = _merged(before, value)
        else:
            merged[name] = value
    return merged


def _only(body: dict[str, Json], *known: str) -> None:
    unknown = sorted(body.keys() - set(known))
    if unknown:
        raise ValueError(f"There is no {unknown[0]!r} here; choose from {', '.join(known)}.")


def _number(value: Json) -> TypeGuard[int | Decimal]:
    return isinstance(value, int | Decimal) and not isinstance(value, bool)


def _text(body: dict[str, Json], name: str) -> str:
    return _typed(body, name, str) if name in body else ""


def _typed(body: dict[str, Json], name: str, wanted: type[T]) -> T:
    value = body[name]
    if not isinstance(value, wanted):
        raise ValueError(f"{name!r} cannot be {value!r}.")  # noqa: TRY004 - answered as HTTP 400
    return value
