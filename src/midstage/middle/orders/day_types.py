"""The words of a store's business day."""

from datetime import date
from uuid import UUID

import msgspec

from midstage.middle.payments import api as payments


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What was sold."""

    sales: int = 0
    lines: int = 0
    units_milli: int = 0
    goods_minor: int = 0
    discount_minor: int = 0
    tax_minor: int = 0
    total_minor: int = 0
    paid_minor: int = 0
    """What came of it; less than the total only of sales that still wait for a provider."""
    to_members: int = 0
    to_members_minor: int = 0
    offline: int = 0
    differs_minor: int = 0
    """What offline tills charged beyond our prices."""


class Returned(msgspec.Struct, frozen=True, kw_only=True):
    """What came back."""

    returns: int = 0
    units_milli: int = 0
    amount_minor: int = 0
    tax_minor: int = 0
    loose_minor: int = 0
    """Of it without a receipt."""


class MethodSums(msgspec.Struct, frozen=True):
    """What was taken and given back by one method, over all shifts."""

    method: str
    taken_minor: int
    given_back_minor: int
    net_minor: int


class TillDay(msgspec.Struct, frozen=True, kw_only=True):
    """A till's day."""

    till_id: UUID
    sold: Sums
    returned: Returned
    shifts: list[payments.ShiftFigures]


class DayReport(msgspec.Struct, frozen=True, kw_only=True):
    """A store's business day. `agrees`: sales, tenders and the ledger say the same, to the cent."""

    store_id: UUID
    business_date: date
    currency: str
    closed: bool
    sold: Sums
    returned: Returned
    net_minor: int
    """Sold less returned, tax included."""
    methods: list[MethodSums]
    by_providers_minor: int
    """What providers took of these sales; it is in no drawer."""
    counted_difference_minor: int
    """What drawers held beyond what they should have, those that were counted."""
    open_shifts: int
    tills: list[TillDay]
    agrees: bool
