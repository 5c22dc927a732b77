"""All SQL of inventory, a file a group of tables."""

from midstage.middle.inventory.store.discrepancy import discrepancies, settle
from midstage.middle.inventory.store.faults import OVERSOLD, RESERVED_OFF, STOCK_OFF, wrong
from midstage.middle.inventory.store.free import free_at, nearest, options
from midstage.middle.inventory.store.goods import (
    Delta,
    call_off_incoming,
    list_stock,
    move,
    movements,
    set_safety,
    stock_at,
)
from midstage.middle.inventory.store.location import locations, place_locations, unknown_location
from midstage.middle.inventory.store.opening import copy_openings, opened_before
from midstage.middle.inventory.store.reservation import end_reservation, orders_holding, reservations, reserve
from midstage.middle.inventory.store.share import drop_share, set_share, shares

__all__ = [
    "OVERSOLD",
    "RESERVED_OFF",
    "STOCK_OFF",
    "Delta",
    "call_off_incoming",
    "copy_openings",
    "discrepancies",
    "drop_share",
    "end_reservation",
    "free_at",
    "list_stock",
    "locations",
    "move",
    "movements",
    "nearest",
    "opened_before",
    "options",
    "orders_holding",
    "place_locations",
    "reservations",
    "reserve",
    "set_safety",
    "set_share",
    "settle",
    "shares",
    "stock_at",
    "unknown_location",
    "wrong",
]
