"""Writing facts: one statement, in the transaction that made them true."""

from collections.abc import Sequence
from datetime import date

from midstage.kit.facts.types import Fact, encode
from midstage.kit.ids import BrandId
from midstage.kit.together import Write

# id and xid come from the database: the id by a sequence, so that two transactions that waited for
# each other (and only those have an order) get ids in that order; a clock in the process could not promise it.
INSERT = """
insert into fact (brand_id, type, version, key, payload, business_date)
select $1, told.type, told.version, told.key, told.payload, told.business_date
  from unnest($2::text[], $3::smallint[], $4::uuid[], $5::jsonb[], $6::date[])
    as told (type, version, key, payload, business_date)
"""


def write(brand: BrandId, told: Sequence[tuple[Fact, date]]) -> Write:
    """The insert of what was told, in the order in which it was told."""
    facts = [fact for fact, _ in told]
    return Write(
        INSERT,
        (
            brand,
            [type(fact).__name__ for fact in facts],
            [fact.version for fact in facts],
            [fact.key for fact in facts],
            [encode(fact) for fact in facts],
            [day for _, day in told],
        ),
    )
