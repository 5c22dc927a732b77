"""How a fact of the order book changes a standing. Pure."""

from collections.abc import Iterable
from datetime import datetime

import msgspec
from msgspec.structs import replace

from midstage.kit.facts import Fact
from midstage.middle.loyalty.types import Standing
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders

LISTENS_TO = (orders.OrderPaid, orders.OrderImported, orders.OrderRefunded, orders.OrderRefundUndone)


class Purchase(msgspec.Struct, frozen=True):
    """What one fact adds to the standing of a member; `bought_at` is empty where something came back."""

    member_id: members.MemberId
    currency: str
    bought_at: datetime | None = None
    paid_minor: int = 0
    bought_milli: int = 0
    refunded_minor: int = 0
    returned_milli: int = 0


def purchase(fact: Fact) -> Purchase | None:
    """What a fact means for its member; None for any other fact and for a sale without one."""
    if not isinstance(fact, LISTENS_TO) or fact.member_id is None:
        return None
    member_id = members.MemberId(fact.member_id)
    if isinstance(fact, orders.OrderRefunded):
        return Purchase(member_id, fact.currency, refunded_minor=fact.refunded_minor, returned_milli=fact.units_milli)
    if isinstance(fact, orders.OrderRefundUndone):
        return Purchase(member_id, fact.currency, refunded_minor=-fact.amount_minor, returned_milli=-fact.units_milli)
    return Purchase(member_id, fact.currency, fact.placed_at, paid_minor=fact.paid_minor, bought_milli=fact.units_milli)


def add(standing: Standing, more: Purchase) -> Standing:
    """The standing after one more fact. Their order does not matter."""
    spent = standing.spent_minor.get(more.currency, 0) + more.paid_minor - more.refunded_minor
    after = replace(
        standing,
        units_milli=standing.units_milli + more.bought_milli - more.returned_milli,
        spent_minor={**standing.spent_minor, more.currency: spent},
    )
    if more.bought_at is None:
        return after
    known = [at for at in (standing.first_bought_at, standing.last_bought_at) if at is not None]
    return replace(
        after,
        orders=standing.orders + 1,
        first_bought_at=min([more.bought_at, *known]),
        last_bought_at=max([more.bought_at, *known]),
    )


def fold(facts: Iterable[Fact]) -> dict[members.MemberId, Standing]:
    """The standing of everybody after these facts: what the projection must say."""
    standings: dict[members.MemberId, Standing] = {}
    for fact in facts:
        more = purchase(fact)
        if more is not None:
            standings[more.member_id] = add(standings.get(more.member_id, Standing()), more)
    return standings
