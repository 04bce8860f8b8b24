"""The rows, in the order of docs/speed.md."""

from tests.bench.figures import Row
from tests.bench.rows import (
    backlog,
    daemons,
    drain,
    hand_over,
    held,
    latency,
    memory,
    notify,
    queue,
    realm,
    sip_cost,
    storm,
    three_daemons,
)

ROWS: dict[str, Row] = {
    module.ROW.name: module.ROW
    for module in (
        sip_cost, notify, queue, latency, storm, drain, realm, backlog, held, three_daemons, hand_over, memory, daemons,
    )
}  # fmt: skip
