"""The history of stock work."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.inventory.work import Step

ADD_STEP = """
insert into stock_step (brand_id, subject_type, subject_id, step_id, action, at, by_kind, by_id, lines, note)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9::text::jsonb, $10)
"""

STEPS = """
select t.action, t.at, t.by_kind, t.by_id, t.lines::text as lines, t.note
  from stock_step t
 where t.brand_id = $1 and t.subject_type = $2 and t.subject_id = $3
 order by t.step_id
 limit 1000
"""


def add_step(
    tx: Tx, subject_type: str, subject: UUID, action: str, *, lines: Sequence[dict[str, Any]] = (), note: str = ""
) -> None:
    """Write a step with the next statement or the commit."""
    written = msgspec.json.encode(list(lines)).decode()
    tx.later(
        ADD_STEP, tx.brand, subject_type, subject, new_id(), action, tx.now, tx.by.kind, tx.by.id, written, note
    )  # fmt: skip


async def steps(tx: Tx, subject_type: str, subject: UUID) -> list[Step]:
    """The first thousand steps, in their order."""
    rows = await tx.rows(STEPS, tx.brand, subject_type, subject)
    return [
        Step(row["action"], row["at"], row["by_kind"], row["by_id"], msgspec.json.decode(row["lines"]), row["note"])
        for row in rows
    ]
