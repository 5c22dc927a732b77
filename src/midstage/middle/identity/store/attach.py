"""Who is known, and the birth of persons whom nobody knows."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.middle.identity.store.read import columns
from midstage.middle.identity.types import Identifier, PersonId

# What is asked most: everything is known, of one person. So it is small, and whatever decides more is read elsewhere.
# Not from unnest: the server would know how long these arrays are, and plan anew each time, which takes longer than to
# do it. The twenty are rules.MAX_IDENTIFIERS.
KNOWN = """
select given.place, block.block_id is not null as blocked, root.person_id as root_id, root.person_no
  from (select n.place, ($2::text[])[n.place] as kind, ($3::text[])[n.place] as namespace,
               ($4::text[])[n.place] as value
          from generate_series(1, 20) as n (place)
         where n.place <= cardinality($2::text[])) as given
  left join identity_block block on block.brand_id = $1 and block.kind = given.kind
                                and block.namespace = given.namespace and block.value = given.value
  left join identifier held on held.brand_id = $1 and held.kind = given.kind
                           and held.namespace = given.namespace and held.value = given.value
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
  left join person root on root.brand_id = $1 and root.person_id = coalesce(alias.root_id, held.person_id)
 order by given.place
"""

# The identifiers come in the order in which everybody writes them. The key decides between two that bring the same at
# once: the later one waits, does not get it, and then no person is born, so that no number is lost. The counter comes
# last: a slot that nobody holds, or, with all of them held, one's own slot.
BIRTH = """
with wanted as materialized (
  select g.place, g.kind, g.namespace, g.value
    from unnest($2::text[], $3::text[], $4::text[]) with ordinality as g (kind, namespace, value, place)
), newly as (
  insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
  select $1, wanted.kind, wanted.namespace, wanted.value, $5, $6, $7 from wanted order by wanted.place
  on conflict (brand_id, kind, namespace, value) do nothing
  returning kind
), birth as materialized (
  select 1 as one where (select count(*) from newly) = (select count(*) from wanted)
), free as materialized (
  select slot.slot from person_number slot
   where slot.brand_id = $1 and exists (select 1 from birth)
   order by slot.dealt, slot.slot
   for no key update skip locked
   limit 1
), waited as materialized (
  select slot.slot from person_number slot
   where slot.brand_id = $1 and exists (select 1 from birth) and not exists (select 1 from free)
     and slot.slot = pg_backend_pid() % 32
   for no key update
), taken as (
  update person_number slot set dealt = slot.dealt + 1
    from (select free.slot from free union all select waited.slot from waited) mine
   where slot.brand_id = $1 and slot.slot = mine.slot
  returning slot.slot, slot.dealt
), born as (
  insert into person (brand_id, person_id, person_no, source, born_at)
  select $1, $5, (taken.dealt - 1) * 32 + taken.slot + 1, $6, $7 from taken
  returning person_no
)
select (select count(*) from newly)::int as taken, (select born.person_no from born) as person_no
"""

UNDO_ATTACH = """
delete from identifier held
 using unnest($2::text[], $3::text[], $4::text[]) as given (kind, namespace, value)
 where held.brand_id = $1 and held.kind = given.kind and held.namespace = given.namespace
   and held.value = given.value and held.person_id = $5
"""

OPEN_NUMBERS = """
insert into person_number (brand_id, slot) select $1, slot from generate_series(0, 31) as slot
on conflict (brand_id, slot) do nothing
"""


class Found(msgspec.Struct, frozen=True):
    """What is known of one given identifier (`place` from 1): whom it means, and whether it may mean anybody."""

    place: int
    blocked: bool
    root_id: PersonId | None
    person_no: int | None


async def known(tx: Tx, given: Sequence[Identifier]) -> list[Found]:
    return [
        Found(row["place"], row["blocked"], row["root_id"], row["person_no"])
        for row in await tx.rows(KNOWN, tx.brand, *columns(given))
    ]


async def give_birth(tx: Tx, given: Sequence[Identifier], person: PersonId, source: str) -> tuple[int, int | None]:
    """How many of the identifiers are this person's now, and its number if it was born: if all of them are."""
    row = await tx.row(BIRTH, tx.brand, *columns(given), person, source, tx.now)
    return (0, None) if row is None else (row["taken"], row["person_no"])


async def undo_attach(tx: Tx, given: Sequence[Identifier], person: PersonId) -> int:
    return await tx.run(UNDO_ATTACH, tx.brand, *columns(given), person)


async def open_numbers(tx: Tx) -> None:
    await tx.run(OPEN_NUMBERS, tx.brand)
