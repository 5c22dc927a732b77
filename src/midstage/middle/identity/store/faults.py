"""What the doctor asks; each statement returns the wrong rows alone."""

from typing import Any

from midstage.kit.database import Tx

ORPHANS = """
select held.kind, held.person_id::text as person_id from identifier held
 where held.brand_id = $1
   and not exists (select 1 from person where person.brand_id = $1 and person.person_id = held.person_id)
 limit 20
"""

LONG_ALIASES = """
select alias.person_id::text as person_id, alias.root_id::text as root_id from person_alias alias
 where alias.brand_id = $1
   and exists (select 1 from person_alias further where further.brand_id = $1 and further.person_id = alias.root_id)
 limit 20
"""

UNDEALT = """
select person.person_id::text as person_id, person.person_no from person
  left join person_number slot on slot.brand_id = $1 and slot.slot = (person.person_no - 1) % 32
 where person.brand_id = $1 and (person.person_no - 1) / 32 >= coalesce(slot.dealt, 0)
 limit 20
"""

LOST = """
select slot.slot, slot.dealt, count(person.person_no) as given from person_number slot
  left join person on person.brand_id = $1 and (person.person_no - 1) % 32 = slot.slot
 where slot.brand_id = $1
 group by slot.slot, slot.dealt
having count(person.person_no) <> slot.dealt
 limit 20
"""

# The link log played again: all that the standing links connect is one, and the lowest number of it is the root.
UNLINKED = """
with recursive tie as materialized (
  select link.one_id as one_id, link.other_id as other_id from identity_link link
   where link.brand_id = $1 and link.undone_at is null
  union
  select link.other_id, link.one_id from identity_link link
   where link.brand_id = $1 and link.undone_at is null
), walk (start_id, person_id) as (
  select tie.one_id, tie.one_id from tie
  union
  select walk.start_id, tie.other_id from walk join tie on tie.one_id = walk.person_id
), replayed as (
  select distinct on (walk.start_id) walk.start_id as person_id, person.person_id as root_id
    from walk join person on person.brand_id = $1 and person.person_id = walk.person_id
   order by walk.start_id, person.person_no
), wanted as (
  select replayed.person_id, replayed.root_id from replayed where replayed.root_id <> replayed.person_id
), present as (
  select alias.person_id, alias.root_id from person_alias alias where alias.brand_id = $1
)
select coalesce(present.person_id, wanted.person_id)::text as person_id, present.root_id::text as root_id,
       wanted.root_id::text as by_links
  from present full join wanted on wanted.person_id = present.person_id
 where present.root_id is distinct from wanted.root_id
 limit 20
"""

ENDS = """
select link.link_id::text as link_id, link.one_id::text as one_id, link.other_id::text as other_id
  from identity_link link
 where link.brand_id = $1
   and (not exists (select 1 from person where person.brand_id = $1 and person.person_id = link.one_id)
        or not exists (select 1 from person where person.brand_id = $1 and person.person_id = link.other_id))
 limit 20
"""

# Undone in the order of steps, once, and after it was made.
BAD_STEPS = """
select link.link_id::text as link_id, link.step, link.undone_step from identity_link link
 where link.brand_id = $1 and link.undone_step <= link.step
 limit 20
"""


async def wrong(tx: Tx, sql: str) -> list[dict[str, Any]]:
    """The rows of one of the doctor's questions."""
    return [dict(row) for row in await tx.rows(sql, tx.brand)]
