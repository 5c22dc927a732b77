"""Pieces of statements: what a seller may promise of a stock row, and how far a location is."""

from uuid import UUID

from midstage.middle.inventory.types import Seller

# The percentage of a location's stock that a seller may sell: all of his own, of others' what the most exact share says.
# A piece of statements in which l is the location, $1 the brand, $2 the seller's channel and $3 his operator.
_PERCENT = """
       case when (select $2::text) is null or l.operator_id = (select $3::uuid) then 100 else coalesce((
         select p.percent from stock_share p
          where p.brand_id = $1
            and (p.location_id is null or p.location_id = l.location_id)
            and (p.operator_id is null or p.operator_id = l.operator_id)
            and (p.sales_channel is null or p.sales_channel = (select $2::text))
          order by p.location_id nulls last, p.operator_id nulls last, p.sales_channel nulls last
          limit 1), 100) end"""

# What a seller may promise of a stock row s under a percentage.
_FREE = """
       greatest(0, least(s.on_hand_milli - s.reserved_milli - s.safety_milli,
         case when percent < 100 then s.on_hand_milli * percent / 100 - s.shared_milli end))"""

_METRES = """
       2 * 6371008.8 * asin(least(1, sqrt(
         sin(radians(l.lat - $6::double precision) / 2) ^ 2
         + cos(radians($6::double precision)) * cos(radians(l.lat)) * sin(radians(l.lng - $7::double precision) / 2) ^ 2)))"""


def whole(sql: str) -> str:
    """A statement with its pieces."""
    return sql.replace("<percent>", _PERCENT).replace("<free>", _FREE).replace("<metres>", _METRES)


def seller_values(seller: Seller | None) -> tuple[str | None, UUID | None]:
    """The $2 and $3 of the pieces; both null where nobody in particular sells."""
    return (None, None) if seller is None else (seller.sales_channel, seller.operator_id)
