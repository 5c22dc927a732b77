"""Leaving a store with goods that one scanned and paid oneself: a code that opens once, and looks by chance."""

import hashlib
import secrets
from datetime import timedelta

from midstage.kit.database import Tx
from midstage.kit.ids import ALPHABET
from midstage.middle.orders import store as book
from midstage.middle.orders.close import hand_over
from midstage.middle.orders.facts import LeaveChecked
from midstage.middle.orders.leave_types import (
    SELF_SERVICE,
    LeaveCode,
    LeaveCodeExpired,
    LeaveCodeUnknown,
    LeaveCodeUsed,
    LeavePass,
    NotChecking,
    NothingToLeaveWith,
    Opened,
    PassState,
    SelfService,
    SelfServiceOff,
)
from midstage.middle.orders.store import leave as store
from midstage.middle.orders.types import Kind, NoSuchOrder, Order, OrderId, State
from midstage.middle.organisation import api as organisation

# Ten of 32 signs are 50 bits: who guesses a thousand a second for the minutes that a code lives guesses none.
CODE_LENGTH = 10
KINDS = frozenset({Kind.SCAN_AND_GO, Kind.KIOSK})


async def check_self_service(tx: Tx, at: organisation.Store) -> SelfService:
    """The settings of a store in which shoppers scan and pay by themselves. Raises SelfServiceOff."""
    settings = await organisation.settings_of(tx, SELF_SERVICE, at)
    if not settings.enabled or at.state is not organisation.StoreState.OPEN:
        raise SelfServiceOff(at.store_id)
    return settings


async def leave_code(tx: Tx, order_id: OrderId) -> LeaveCode:
    """A code to show at the door, in place of the one before. Whether the goods are looked at was decided with the first.

    Raises NoSuchOrder, NothingToLeaveWith, LeaveCodeUsed.
    """
    order = await book.read(tx, order_id)
    if order is None:
        raise NoSuchOrder
    if order.kind not in KINDS or order.state not in {State.PAID, State.COMPLETED}:
        raise NothingToLeaveWith(order.kind, order.state.value)
    at = (await organisation.stores(tx, [order.store_id]))[order.store_id]
    settings = await organisation.settings_of(tx, SELF_SERVICE, at)
    code = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    expires_at = tx.now + timedelta(minutes=settings.code_minutes)
    if not await store.issue(tx, order_id, order.store_id, _hash(code), expires_at, to_check=_chosen(order, settings)):
        found = await store.of_order(tx, order_id)
        raise LeaveCodeUsed(
            tx.now if found is None or found.leave_pass.opened_at is None else found.leave_pass.opened_at
        )
    return LeaveCode(code, expires_at)


async def open_door(tx: Tx, store_id: organisation.StoreId, code: str) -> Opened:
    """Open the door for a code, once: she leaves with her goods, or somebody looks at them first.

    Raises LeaveCodeUnknown, LeaveCodeExpired, LeaveCodeUsed, and what hand_over raises.
    """
    hashed = _hash(code)
    found = await store.of_code(tx, hashed)
    if found is None or found.leave_pass.store_id != store_id:
        raise LeaveCodeUnknown
    # The order first: whoever cancels or refunds it holds it too.
    order = await book.lock(tx, found.leave_pass.order_id)
    if order is None:
        raise LeaveCodeUnknown
    if order.state not in {State.PAID, State.COMPLETED}:
        raise NothingToLeaveWith(order.kind, order.state.value)
    state = await store.open_door(tx, hashed)
    if state is None:
        raise await _closed(tx, hashed)
    if state is PassState.LEFT:
        await _gone(tx, order)
    lines = await book.lines(tx, order.order_id) if state is PassState.CHECKING else []
    return Opened(order=order, state=state, lines=lines)


async def end_check(tx: Tx, store_id: organisation.StoreId, order_id: OrderId, *, ok: bool, note: str) -> LeavePass:
    """Somebody looked at the goods: she leaves. What was found is kept; `ok` says that all was paid.

    Raises NotChecking, and what hand_over raises.
    """
    found = await store.of_order(tx, order_id)
    if found is None or found.leave_pass.store_id != store_id:
        raise NotChecking(order_id)
    order = await book.lock(tx, order_id)
    if order is None or not await store.checked(tx, order_id, ok=ok, note=note):
        raise NotChecking(order_id)
    await _gone(tx, order)
    tx.note("check_leaving", "order", order_id, after={"ok": ok, "note": note})
    tx.tell(LeaveChecked(order_id=order_id, store_id=store_id, ok=ok))
    after = await store.of_order(tx, order_id)
    return found.leave_pass if after is None else after.leave_pass


async def leave_pass(tx: Tx, order_id: OrderId) -> LeavePass | None:
    """The pass of an order, if a code was shown for it."""
    found = await store.of_order(tx, order_id)
    return None if found is None else found.leave_pass


async def _gone(tx: Tx, order: Order) -> None:
    """The goods are out of the store; of an order that was handed over before, nothing is left to do."""
    if order.state is State.PAID:
        await hand_over(tx, order.order_id)


async def _closed(tx: Tx, hashed: bytes) -> LeaveCodeUsed | LeaveCodeExpired | LeaveCodeUnknown:
    """Why the door stays shut."""
    found = await store.of_code(tx, hashed)
    if found is None:
        return LeaveCodeUnknown()
    opened_at = found.leave_pass.opened_at
    return LeaveCodeExpired() if opened_at is None else LeaveCodeUsed(opened_at)


def _chosen(order: Order, settings: SelfService) -> bool:
    if settings.check_from_minor and order.total_minor >= settings.check_from_minor:
        return True
    return secrets.randbelow(100) < settings.check_percent


def _hash(code: str) -> bytes:
    return hashlib.sha256(code.strip().upper().encode()).digest()
