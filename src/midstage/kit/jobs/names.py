"""How the tables of PgQueuer are called here, and its statement that queues a job."""

from typing import Any, cast

from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.domain.settings import DBSettings, Durability

# Named here, not read from the environment: PgQueuer would listen to variables as common as FUNCTION or CHANNEL.
NAMES = DBSettings(
    prefix="",
    db_schema=None,
    channel=cast("Any", "ch_pgqueuer"),
    function="fn_pgqueuer_changed",
    statistics_table="pgqueuer_statistics",
    queue_status_type="pgqueuer_status",
    queue_table="pgqueuer",
    queue_table_log="pgqueuer_log",
    trigger="tg_pgqueuer_changed",
    schedules_table="pgqueuer_schedules",
    durability=Durability.durable,
)
ENQUEUE = QueryQueueBuilder(settings=NAMES).build_enqueue_query("skip")
