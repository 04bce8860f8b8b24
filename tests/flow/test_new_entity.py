"""What CONTRIBUTING.md promises: a new entity is four new files, and nothing that exists is edited."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from textwrap import dedent
from typing import TYPE_CHECKING

from syncd.db import files
from tests.support.processes import Daemon, Sandbox, environment, until

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.database import Database

# SIP's jobs as QBO departments: nobody would want it, which is why it will never collide with the real thing.
TOY = {
    "sql/source/department.sql": """
        create view syncd.source_department as
        select j.id as key, j.organization_id::text as company_id, j.name, j.status from sip.jobs j;

        select syncd.bind('sip.jobs', entity => 'department', key => 'id', company => 'organization_id');
    """,
    "sql/entity/department.sql": """
        insert into syncd.entity (entity_type, label, qbo_type, rank, toggle)
        values ('department', 'Department', 'Department', 1, null) on conflict do nothing;

        create view syncd.document_department as
        select s.key, s.company_id, s.name as entity_name, s.status = 'active' as due, null::text as skip,
               '{}'::syncd.record_key[] as missing, null::text as unready,
               jsonb_build_object('name', s.name) as document
        from syncd.source_department s;
    """,
    "syncd/push/department.py": """
        from syncd.push import Body, as_it_is, no_look, no_variances

        qbo_type = "Department"
        path = "department"
        reads_first = adopts = False
        variances = no_variances
        informed = as_it_is
        look_ahead = no_look

        def build(document, *, sent, qbo_id, sync_token, current=None):
            update = {"Id": qbo_id, "SyncToken": sync_token, "sparse": True} if qbo_id else {}
            return Body({"Name": document["name"], **update}, name_sent=document["name"])

        def own_queries(payload):
            return []

        def holds_place(payload, candidate):
            return False

        def is_own(payload, candidate):
            return False

        def differences(payload, answer):
            return [] if payload["Name"] == answer["Name"] else [("name", payload["Name"], answer["Name"])]
    """,
    "syncd/sandbox/entities/department.py": """
        from syncd.sandbox.entity import Entity
        from syncd.sandbox.schema import Field

        ENTITY = Entity("Department", "Departments", (Field("Name", limit=100, query="sort"),), name_list=True)
    """,
}


def checkout_with_toy(folder: Path) -> Path:
    """A copy of the product with the four files added; none may exist already."""
    root = files.folder("sql").parent
    for name in ("syncd", "sql", "migrations"):
        shutil.copytree(root / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path, text in TOY.items():
        with (folder / path).open("x") as file:
            file.write(dedent(text))
    return folder


def test_a_new_entity_is_four_new_files(
    database: Database, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    checkout = checkout_with_toy(tmp_path / "checkout")
    sandbox = Sandbox(checkout=checkout)
    request.addfinalizer(sandbox.stop)
    env = environment(database, sandbox.url)

    def syncd(*words: str, given: str = "") -> None:
        as_owner = {**env, "SYNCD_DSN": database.dsn}
        subprocess.run(
            [sys.executable, "-m", "syncd", *words],
            cwd=checkout,
            env=as_owner,
            input=given,
            text=True,
            check=True,
        )

    syncd("db", "upgrade")
    database.execute("insert into sip.organizations (id, name) values (1, 'One')")
    realm = sandbox.tell("companies", profile="us-no-tax")["realm_id"]
    syncd("company", "add", "1", "--name", "One", "--timezone", "America/Denver")
    tokens = json.dumps(sandbox.tell("tokens", realm_id=realm))
    syncd("company", "connect", "1", "--environment", "sandbox", given=tokens)
    database.switch("1", enable_sync=True)
    daemon = Daemon(env, tmp_path / "daemon.log", checkout)
    request.addfinalizer(daemon.kill)

    customer = database.add_customer("Ann")
    database.execute(
        "insert into sip.jobs (organization_id, customer_id, name) values (1, %s, 'Roof'), (1, %s, 'Porch')",
        (customer, customer),
    )

    def names() -> list[str]:
        return sorted(o["Name"] for o in sandbox.objects(realm, "Department"))

    until(lambda: names() == ["Porch", "Roof"])
    database.execute("update sip.jobs set name = 'Roof and gutter' where name = 'Roof'")
    until(lambda: names() == ["Porch", "Roof and gutter"])
    labels = database.rows('select distinct "Entity Type", "Status" from syncd.sync_log_view')
    assert labels == [("Department", "Success")]
