"""Who is meant, and what hangs on whom."""

from collections.abc import Sequence

from midstage.kit.database import Record, Tx
from midstage.middle.identity.types import Attached, Identifier, IdentifierKind, Person, PersonId

RESOLVE = """
select coalesce(alias.root_id, held.person_id)
  from identifier held
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
 where held.brand_id = $1 and held.kind = $2 and held.namespace = $3 and held.value = $4
   and not exists (select 1 from identity_block block
                    where block.brand_id = $1 and block.kind = held.kind and block.namespace = held.namespace
                      and block.value = held.value)
"""

RESOLVE_MANY = """
select given.place::int as place, coalesce(alias.root_id, held.person_id) as person_id
  from unnest($2::text[], $3::text[], $4::text[]) with ordinality as given (kind, namespace, value, place)
  join identifier held on held.brand_id = $1 and held.kind = given.kind
                      and held.namespace = given.namespace and held.value = given.value
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = held.person_id
 where not exists (select 1 from identity_block block
                    where block.brand_id = $1 and block.kind = held.kind and block.namespace = held.namespace
                      and block.value = held.value)
 order by given.place
"""

PERSONS = """
select asked.person_id as asked, root.person_id, root.person_no, root.source, root.born_at,
       coalesce((select array_agg(merged.person_id order by merged.person_id) from person_alias merged
                  where merged.brand_id = $1 and merged.root_id = root.person_id), '{}') as merged
  from unnest($2::uuid[]) as asked (person_id)
  left join person_alias alias on alias.brand_id = $1 and alias.person_id = asked.person_id
  join person root on root.brand_id = $1 and root.person_id = coalesce(alias.root_id, asked.person_id)
"""

ANY_ALIAS = "select exists (select 1 from person_alias alias where alias.brand_id = $1)"

IDENTIFIERS_OF = """
with ids as (
  select $2::uuid as person_id
  union
  select coalesce(alias.root_id, alias.person_id) from person_alias alias
   where alias.brand_id = $1 and alias.person_id = $2
), whole as (
  select ids.person_id from ids
  union
  select merged.person_id from ids
    join person_alias merged on merged.brand_id = $1 and merged.root_id = ids.person_id
)
select held.kind, held.namespace, held.value, held.person_id, held.source, held.attached_at,
       exists (select 1 from identity_block block
                where block.brand_id = $1 and block.kind = held.kind and block.namespace = held.namespace
                  and block.value = held.value) as blocked
  from whole
  join identifier held on held.brand_id = $1 and held.person_id = whole.person_id
 order by held.attached_at, held.kind, held.namespace, held.value
"""

IDENTIFIERS_OF_MANY = """
select held.kind, held.namespace, held.value, held.person_id, held.source, held.attached_at,
       exists (select 1 from identity_block block
                where block.brand_id = $1 and block.kind = held.kind and block.namespace = held.namespace
                  and block.value = held.value) as blocked
  from identifier held
 where held.brand_id = $1 and held.person_id = any ($2::uuid[])
 order by held.attached_at, held.kind, held.namespace, held.value
"""


async def resolve(tx: Tx, identifier: Identifier) -> PersonId | None:
    return await tx.value(RESOLVE, tx.brand, identifier.kind.value, identifier.namespace, identifier.value)


async def resolve_many(tx: Tx, given: Sequence[Identifier]) -> dict[Identifier, PersonId]:
    rows = await tx.rows(RESOLVE_MANY, tx.brand, *columns(given))
    return {given[row["place"] - 1]: PersonId(row["person_id"]) for row in rows}


async def persons(tx: Tx, ids: Sequence[PersonId]) -> dict[PersonId, Person]:
    rows = await tx.rows(PERSONS, tx.brand, ids)
    return {
        row["asked"]: Person(row["person_id"], row["person_no"], row["source"], row["born_at"], list(row["merged"]))
        for row in rows
    }


async def any_alias(tx: Tx) -> bool:
    return await tx.value(ANY_ALIAS, tx.brand)


async def identifiers_of(tx: Tx, person: PersonId) -> list[Attached]:
    return [_attached(row) for row in await tx.rows(IDENTIFIERS_OF, tx.brand, person)]


async def identifiers_of_many(tx: Tx, ids: Sequence[PersonId]) -> list[Attached]:
    return [_attached(row) for row in await tx.rows(IDENTIFIERS_OF_MANY, tx.brand, ids)]


def columns(given: Sequence[Identifier]) -> tuple[list[str], list[str], list[str]]:
    return [each.kind.value for each in given], [each.namespace for each in given], [each.value for each in given]


def _attached(row: Record) -> Attached:
    identifier = Identifier(IdentifierKind(row["kind"]), row["value"], row["namespace"])
    return Attached(identifier, PersonId(row["person_id"]), row["source"], row["attached_at"], row["blocked"])
