"""Attach identifiers, and give birth to persons."""

from collections.abc import Sequence

import msgspec

from midstage.kit.database import Tx
from midstage.middle.identity.store.read import columns
from midstage.middle.identity.types import Identifier, PersonId

# The identifiers come in the order in which everybody writes them. Those that are known say who it is, the lowest rank
# first, and then nothing is written here: what a known person may have is decided with more knowledge (look.py). Where
# none is known, a person is born. The key decides between two that do so at once: the later one waits, inserts nothing,
# and its whole attempt says `raced`, as its snapshot cannot see who the winner is. No person is born then, so that
# no number is lost. The counter comes last: a slot that nobody holds, or, with all of them held, one's own slot.
# What is blocked is as if it had not been given.
#
# A device is shared (a kiosk, a family's tablet), so it never says who somebody is against a better id: it does not
# decide where the person it leads to already has another phone, union id or card than the one given.
ATTACH = """
with asked as materialized (
  select g.place, g.kind, g.namespace, g.value, g.rank, g.may,
         exists (select 1 from identity_block block
                  where block.brand_id = $1 and block.kind = g.kind and block.namespace = g.namespace
                    and block.value = g.value) as blocked
    from unnest($2::text[], $3::text[], $4::text[], $8::int[], $9::boolean[])
         with ordinality as g (kind, namespace, value, rank, may, place)
), given as materialized (
  select asked.place, asked.kind, asked.namespace, asked.value, asked.rank, asked.may
    from asked where not asked.blocked
), known as materialized (
  select given.place, given.rank, given.kind, coalesce(alias.root_id, held.person_id) as person_id
    from given
    join identifier held on held.brand_id = $1 and held.kind = given.kind
                        and held.namespace = given.namespace and held.value = given.value
    left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
), decider as materialized (
  select known.person_id
    from known
   where known.kind <> 'device'
      or not exists (
           select 1
             from given
             join identifier other on other.brand_id = $1 and other.kind = given.kind
                                  and other.namespace = given.namespace and other.value <> given.value
            where given.kind <> 'device'
              and not exists (select 1 from identity_block block
                               where block.brand_id = $1 and block.kind = other.kind
                                 and block.namespace = other.namespace and block.value = other.value)
              and other.person_id = any (array(
                    select known.person_id
                    union all
                    select alias.person_id from person_alias alias
                     where alias.brand_id = $1 and alias.root_id = known.person_id)))
   order by known.rank
   limit 1
), wanted as materialized (
  select given.place, given.kind, given.namespace, given.value
    from given
   where given.may
     and not exists (select 1 from decider)
     and given.place not in (select known.place from known)
), lead as (
  insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
  select $1, wanted.kind, wanted.namespace, wanted.value, $5, $6, $7
    from wanted
   order by wanted.place
   limit 1
  on conflict (brand_id, kind, namespace, value) do nothing
  returning kind, namespace, value, person_id
), chosen as materialized (
  select decider.person_id, false as fresh from decider
  union all
  select lead.person_id, true from lead
), rest as (
  insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
  select $1, wanted.kind, wanted.namespace, wanted.value, chosen.person_id, $6, $7
    from wanted cross join chosen
   where chosen.fresh
     and not exists (select 1 from lead where lead.kind = wanted.kind and lead.namespace = wanted.namespace
                                          and lead.value = wanted.value)
   order by wanted.place
  on conflict (brand_id, kind, namespace, value) do nothing
  returning kind, namespace, value
), newly as materialized (
  select lead.kind, lead.namespace, lead.value from lead
  union all
  select rest.kind, rest.namespace, rest.value from rest
), raced as materialized (
  select 1 as one where (select count(*) from wanted) > (select count(*) from newly)
), birth as materialized (
  select chosen.person_id from chosen where chosen.fresh and not exists (select 1 from raced)
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
  select $1, birth.person_id, (taken.dealt - 1) * 32 + taken.slot + 1, $6, $7
    from birth cross join taken
  returning person_no
)
select given.place::int as place, known.person_id as known_as, newly.kind is not null as ours, given.blocked,
       chosen.person_id, chosen.fresh, exists (select 1 from raced) as raced,
       coalesce((select born.person_no from born),
                (select person.person_no from person
                  where person.brand_id = $1 and person.person_id = chosen.person_id)) as person_no
  from asked as given
  left join known on known.place = given.place
  left join newly on newly.kind = given.kind and newly.namespace = given.namespace and newly.value = given.value
  left join chosen on true
 order by given.place
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


class Outcome(msgspec.Struct, frozen=True):
    """What one attempt to attach did to one given identifier (`place` from 1), and whom it chose."""

    place: int
    known_as: PersonId | None
    ours: bool
    blocked: bool
    person_id: PersonId | None
    fresh: bool | None
    raced: bool
    person_no: int | None


async def attach(
    tx: Tx,
    given: Sequence[Identifier],
    new_person: PersonId,
    source: str,
    *,
    ranks: Sequence[int],
    may: Sequence[bool],
) -> list[Outcome]:
    rows = await tx.rows(ATTACH, tx.brand, *columns(given), new_person, source, tx.now, ranks, may)
    return [msgspec.convert(dict(row), Outcome) for row in rows]


async def undo_attach(tx: Tx, given: Sequence[Identifier], person: PersonId) -> int:
    return await tx.run(UNDO_ATTACH, tx.brand, *columns(given), person)


async def open_numbers(tx: Tx) -> None:
    await tx.run(OPEN_NUMBERS, tx.brand)
