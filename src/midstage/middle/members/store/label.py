"""Labels of persons, copied here for checkout."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.identity import api as identity

# The labels of the persons named are these and no others; rows that stay are not touched.
WRITE_LABELS = """
with wanted as materialized (
  select given.person_id, given.label from unnest($3::uuid[], $4::text[]) as given (person_id, label)
), gone as (
  delete from person_label old
   where old.brand_id = $1 and old.person_id = any ($2::uuid[])
     and not exists (select 1 from wanted where wanted.person_id = old.person_id and wanted.label = old.label)
)
insert into person_label (brand_id, person_id, label)
select $1, wanted.person_id, wanted.label from wanted order by wanted.person_id, wanted.label
on conflict (brand_id, person_id, label) do nothing
"""

LABELS = """
select label.label from person_label label where label.brand_id = $1 and label.person_id = any ($2::uuid[])
 group by label.label order by label.label
"""


async def write_labels(tx: Tx, persons: Sequence[UUID], pairs: Sequence[tuple[UUID, str]]) -> int:
    return await tx.run(WRITE_LABELS, tx.brand, persons, [person for person, _ in pairs], [label for _, label in pairs])


async def labels(tx: Tx, persons: Sequence[identity.PersonId]) -> frozenset[str]:
    return frozenset(row["label"] for row in await tx.rows(LABELS, tx.brand, persons))
