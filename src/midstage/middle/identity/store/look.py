"""Read all that decides about given identifiers, and write what was decided if nothing of it has changed."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from midstage.kit.database import Tx
from midstage.middle.identity.plan import Look, Merge, Plan, Root
from midstage.middle.identity.store.read import columns
from midstage.middle.identity.types import Cause, Identifier, PersonId

# One moment's view, as one row of arrays: who is known, what each root is and has, and what is blocked.
_ASKED = """
with asked as materialized (
  select g.place, g.kind, g.namespace, g.value, g.since,
         exists (select 1 from identity_block block
                  where block.brand_id = $1 and block.kind = g.kind and block.namespace = g.namespace
                    and block.value = g.value) as blocked
    from unnest($2::text[], $3::text[], $4::text[], $5::timestamptz[])
         with ordinality as g (kind, namespace, value, since, place)
), known as materialized (
  select asked.place, asked.kind, asked.namespace, asked.value, asked.since, held.person_id as holder_id,
         coalesce(alias.root_id, held.person_id) as root_id
    from asked
    join identifier held on held.brand_id = $1 and held.kind = asked.kind
                        and held.namespace = asked.namespace and held.value = asked.value
    left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
   where not asked.blocked
), root as materialized (
  select distinct known.root_id from known
), whole as materialized (
  select root.root_id, root.root_id as person_id from root
  union all
  select root.root_id, alias.person_id
    from root join person_alias alias on alias.brand_id = $1 and alias.root_id = root.root_id
), counted as (
  select whole.root_id, held.kind, held.namespace, count(*) as n
    from whole join identifier held on held.brand_id = $1 and held.person_id = whole.person_id
   where not exists (select 1 from identity_block block
                      where block.brand_id = $1 and block.kind = held.kind and block.namespace = held.namespace
                        and block.value = held.value)
   group by whole.root_id, held.kind, held.namespace
)"""
_SEEN = """
  'known', (select coalesce(json_agg(json_build_array(known.place, known.holder_id, known.root_id)), '[]') from known),
  'roots', (select coalesce(json_agg(json_build_array(person.person_id, person.person_no, person.version,
                     (select count(*) from whole where whole.root_id = person.person_id))), '[]')
              from root join person on person.brand_id = $1 and person.person_id = root.root_id),
  'counts', (select coalesce(json_agg(json_build_array(counted.root_id, counted.kind, counted.namespace, counted.n)),
                             '[]') from counted),
  'blocked', (select coalesce(json_agg(asked.place), '[]') from asked where asked.blocked)"""
LOOK = "{asked}\nselect json_build_object({seen})::text".replace("{asked}", _ASKED).replace("{seen}", _SEEN)

# The same where several could be merged: how much each identifier has merged in its time, and which roots are apart,
# as a merge between them was undone or dismissed.
LOOK_AT_SEVERAL = """
{asked}, apart as (
  select one.root_id as one_id, other.root_id as other_id
    from whole one
    join identity_link link on link.brand_id = $1 and link.one_id = one.person_id and link.undone_at is not null
    join whole other on other.person_id = link.other_id and other.root_id <> one.root_id
  union
  select one.root_id, other.root_id
    from whole one
    join identity_case dismissed on dismissed.brand_id = $1 and dismissed.person_id = one.person_id
                                and dismissed.state = 'dismissed'
    join whole other on other.person_id = dismissed.other_id and other.root_id <> one.root_id
)
select json_build_object({seen},
  'uses', (select coalesce(json_agg(json_build_array(known.place,
             (select count(*) from identity_link link
               where link.brand_id = $1 and link.one_kind = known.kind and link.one_namespace = known.namespace
                 and link.one_value = known.value and link.made_at >= known.since and link.undone_at is null)
             + (select count(*) from identity_link link
                 where link.brand_id = $1 and link.other_kind = known.kind and link.other_namespace = known.namespace
                   and link.other_value = known.value and link.made_at >= known.since and link.undone_at is null))), '[]')
             from known),
  'apart', (select coalesce(json_agg(json_build_array(apart.one_id, apart.other_id)), '[]') from apart))::text
""".replace("{asked}", _ASKED.strip()).replace("{seen}", _SEEN)

# The roots are locked in the order of their ids, so that two who merge crosswise never wait in a circle. A root that
# has another version by now is left out, and then nothing at all is written; but its lock stays with us.
SURE = """
with seen as materialized (
  select s.person_id, s.version from unnest($2::uuid[], $3::int[]) as s (person_id, version)
), held as materialized (
  select person.person_id
    from person join seen on seen.person_id = person.person_id
   where person.brand_id = $1 and person.version = seen.version
   order by person.person_id
   for no key update of person
), sure as materialized (
  select 1 as one where (select count(*) from held) = cardinality($2::uuid[])
), moved as (
  update person set version = person.version + 1
    from sure
   where person.brand_id = $1 and person.person_id = any ($2::uuid[])
  returning person.person_id
)"""

# An identifier that others attached since is not ours, and all is looked at again.
_NEWLY = """newly as (
  insert into identifier (brand_id, kind, namespace, value, person_id, source, attached_at)
  select $1, given.kind, given.namespace, given.value, $7, $8, $9
    from unnest($4::text[], $5::text[], $6::text[]) with ordinality as given (kind, namespace, value, place)
    cross join sure
   order by given.place
  on conflict (brand_id, kind, namespace, value) do nothing
  returning kind, namespace, value
)"""
_OURS = "array(select newly.kind || ' ' || newly.namespace || ' ' || newly.value from newly) as ours"

WRITE = (
    """
{sure}, {newly}
select exists (select 1 from sure) as sure, (select count(*) from moved)::int as moved, 0 as merged, 0 as linked, {ours}
""".replace("{sure}", SURE.strip())
    .replace("{newly}", _NEWLY)
    .replace("{ours}", _OURS)
)

# Who was merged into a loser is merged into the winner now, so an alias is always one step.
WRITE_MERGES = (
    """
{sure}, {newly}, turned as (
  update person_alias alias set root_id = $10
    from sure
   where alias.brand_id = $1 and alias.root_id = any ($11::uuid[])
  returning alias.person_id
), merged as (
  insert into person_alias (brand_id, person_id, root_id)
  select $1, loser.person_id, $10 from unnest($11::uuid[]) as loser (person_id) cross join sure
  returning person_id
), linked as (
  insert into identity_link (brand_id, link_id, one_id, other_id, cause, one_kind, one_namespace, one_value,
                             other_kind, other_namespace, other_value, case_id, source, reason, by_kind, by_id, made_at)
  select $1, link.link_id, link.one_id, link.other_id, $15, link.one_kind, link.one_namespace, link.one_value,
         link.other_kind, link.other_namespace, link.other_value, $16, $8, $17, $18, $19, $9
    from unnest($12::uuid[], $13::uuid[], $14::uuid[], $20::text[], $21::text[], $22::text[], $23::text[], $24::text[],
                $25::text[])
      as link (link_id, one_id, other_id, one_kind, one_namespace, one_value, other_kind, other_namespace, other_value)
    cross join sure
  returning link_id
)
select exists (select 1 from sure) as sure,
       (select count(*) from moved)::int as moved, (select count(*) from turned)::int as turned,
       (select count(*) from merged)::int as merged, (select count(*) from linked)::int as linked,
       {ours}
""".replace("{sure}", SURE.strip())
    .replace("{newly}", _NEWLY)
    .replace("{ours}", _OURS)
)

_HOLD = "for no key update of person"
# So whoever has failed once must not wait for another root: the one who holds that may wait for ours.
WRITE_UNWAITING = WRITE.replace(_HOLD, f"{_HOLD} skip locked")
WRITE_MERGES_UNWAITING = WRITE_MERGES.replace(_HOLD, f"{_HOLD} skip locked")

_look = msgspec.json.Decoder(Look)


class Behind(msgspec.Struct, frozen=True):
    """What stands behind merges: the rules with their case, or somebody's word."""

    cause: Cause
    source: str
    reason: str = ""
    case_id: object = None


class Written(msgspec.Struct, frozen=True):
    """Whether it was written, and which identifiers others attached first."""

    sure: bool
    lost: frozenset[str]


async def look(tx: Tx, given: Sequence[Identifier], since: Sequence[datetime], *, several: bool) -> Look:
    """`several`: more than one root is known, so that merges are looked at as well."""
    sql = LOOK_AT_SEVERAL if several else LOOK
    return _look.decode(await tx.value(sql, tx.brand, *columns(given), since))


async def write(tx: Tx, plan: Plan, behind: Behind, *, waiting: bool) -> Written:
    """Write what was decided, if every root is as it was looked at."""
    given = (*_seen(plan.roots), *columns(plan.attach), plan.holder_id, behind.source, tx.now)
    if not plan.merges:
        row = await tx.row(WRITE if waiting else WRITE_UNWAITING, tx.brand, *given)
    else:
        row = await tx.row(
            WRITE_MERGES if waiting else WRITE_MERGES_UNWAITING, tx.brand, *given, plan.root.root_id,
            [each.loser.root_id for each in plan.merges], [each.link_id for each in plan.merges],
            [each.one_id for each in plan.merges], [each.other_id for each in plan.merges], behind.cause.value,
            behind.case_id, behind.reason, tx.by.kind, tx.by.id, *_evidence(plan.merges),
        )  # fmt: skip
    if row is None:
        raise AssertionError("a select without a table gives one row")
    if row["sure"] and (row["merged"], row["linked"]) != (len(plan.merges), len(plan.merges)):
        raise AssertionError("the roots were held, so each loser was a root")
    lost = {key(each) for each in plan.attach} - set(row["ours"])
    return Written(row["sure"], frozenset(lost))


def key(one: Identifier) -> str:
    """As `Written.lost` names it."""
    return f"{one.kind.value} {one.namespace} {one.value}"


def _seen(roots: Sequence[Root]) -> tuple[list[PersonId], list[int]]:
    return [each.root_id for each in roots], [each.version for each in roots]


def _evidence(merges: Sequence[Merge]) -> list[list[str | None]]:
    shown = [(each.one, each.other) for each in merges]
    return [
        [None if pair[side] is None else str(getattr(pair[side], name)) for pair in shown]
        for side in (0, 1)
        for name in ("kind", "namespace", "value")
    ]
