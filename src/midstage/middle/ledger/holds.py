"""Set amounts aside: hold, then post, release, or let it run out."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.ledger import rules, store
from midstage.middle.ledger.facts import HoldExpired
from midstage.middle.ledger.names import name_of
from midstage.middle.ledger.transfer import LotTerms, book, check_free, choose_lots, draft
from midstage.middle.ledger.types import (
    AMOUNT_LIMIT,
    AccountId,
    Hold,
    HoldExceeded,
    HoldId,
    HoldOver,
    HoldState,
    KeyReused,
    NoSuchAccount,
    NoSuchHold,
    NotHoldable,
    Posting,
    PostingInvalid,
    Take,
    TransferId,
)

EXPIRED_A_RUN = 500


async def hold(
    tx: Tx,
    key: str,
    account: AccountId,
    destination: AccountId,
    amount: int,
    *,
    expires_at: datetime,
    reason: str,
    reference: UUID,
) -> HoldId:
    """Set an amount aside for one destination. The same key again returns the earlier hold, whatever became of it.

    Held amounts, and held parts of lots, are nobody else's and do not expire with their lot while they are held.
    Raises BalanceShort, AccountFrozen, KeyReused, NotHoldable, NoSuchAccount, PostingInvalid.
    """
    if not 0 < amount <= AMOUNT_LIMIT or account == destination:
        raise PostingInvalid(f"amount {amount} from {account} to {destination}")
    hold_id = rules.hold_id(tx.brand, key)
    asset = await _asset(tx, account)
    wanted = Hold(hold_id, account, destination, asset, amount, 0, HoldState.OPEN, reason, reference, expires_at)
    if expires_at <= tx.now:
        raise HoldOver(hold_id, HoldState.EXPIRED)
    if not await store.hold(tx, wanted, key, decided=False):
        await _hold_slowly(tx, wanted, key)
    return hold_id


async def post_hold(tx: Tx, hold: HoldId, amount: int | None = None) -> TransferId:
    """Book a hold, or a part of it (the rest is free again). Posting the same amount again changes nothing.

    Raises NoSuchHold, HoldOver, HoldExceeded, PostingInvalid.
    """
    row = await _locked(tx, hold)
    posted = row.amount if amount is None else amount
    if row.state == HoldState.POSTED and row.posted == posted:
        return rules.transfer_id(tx.brand, _key(hold))
    if row.state != HoldState.OPEN or row.expires_at <= tx.now:
        raise HoldOver(hold, HoldState.EXPIRED if row.state == HoldState.OPEN else row.state)
    if posted > row.amount:
        raise HoldExceeded(hold, posted, row.amount)
    posting = Posting(row.account_id, row.destination, row.asset, posted)
    drafted = draft(tx, _key(hold), [posting], reason=row.reason, reference=row.reference)
    await store.lock_balances(tx, [party.account_id for party in drafted.parties])
    held = await store.held_lots(tx, hold)
    await store.end_holds(tx, [hold], HoldState.POSTED, posted=posted)
    return await book(tx, drafted, LotTerms(), takes=rules.first_of(held, posted))


async def release_hold(tx: Tx, hold: HoldId) -> bool:
    """Let a held amount go free. False if it was free already. Raises NoSuchHold, and HoldOver if it was posted."""
    row = await _locked(tx, hold)
    if row.state == HoldState.POSTED:
        raise HoldOver(hold, row.state)
    return row.state == HoldState.OPEN and await store.end_holds(tx, [hold], HoldState.RELEASED) == 1


async def expire_holds(tx: Tx, *, limit: int = EXPIRED_A_RUN) -> int:
    """Free what holds past their time hold; returns how many. Those being worked on are left for the next run."""
    due = await store.lock_due_holds(tx, limit)
    if due:
        await store.end_holds(tx, [row.hold_id for row in due], HoldState.EXPIRED)
    for row in due:
        tx.tell(
            HoldExpired(
                hold_id=row.hold_id,
                account_id=row.account_id,
                reference=row.reference,
                asset=row.asset,
                amount=row.amount,
            )
        )
    return len(due)


async def find_hold(tx: Tx, hold: HoldId) -> Hold:
    """A hold as it stands. Raises NoSuchHold."""
    row = await store.find_hold(tx, hold)
    if row is None:
        raise NoSuchHold(hold)
    return row


def _key(hold: HoldId) -> str:
    return f"hold:{hold}"


async def _locked(tx: Tx, hold: HoldId) -> Hold:
    row = await store.find_hold(tx, hold, lock=True)
    if row is None:
        raise NoSuchHold(hold)
    return row


async def _asset(tx: Tx, account: AccountId) -> str:
    name = name_of(account)
    if name is not None:
        return name.asset
    row = (await store.accounts(tx, [account])).get(account)
    if row is None:
        raise NoSuchAccount(account)
    return row.asset


async def _hold_slowly(tx: Tx, wanted: Hold, key: str) -> None:
    """The way of what is known, short, frozen or kept in lots: lock, look, decide, write."""
    kept = (await store.lock_balances(tx, [wanted.account_id])).get(wanted.account_id)
    earlier = await store.find_hold(tx, wanted.hold_id)
    if earlier is not None:
        return _same(earlier, wanted, key)
    if kept is None:
        raise NotHoldable(wanted.account_id)
    check_free(kept, wanted.amount, at=tx.now)
    takes: list[Take] = []
    if kept.keeps_lots:
        lots = await store.lots(tx, [wanted.account_id])
        takes = choose_lots(lots, wanted.account_id, wanted.amount, at=tx.now)
    if not await store.hold(tx, wanted, key, decided=True):
        # The key was taken meanwhile, for another account: of ours we hold the lock.
        raise KeyReused(key)
    if takes:
        await store.hold_lots(tx, wanted.hold_id, takes)
    return None


def _same(earlier: Hold, wanted: Hold, key: str) -> None:
    first, second = (
        (row.account_id, row.destination, row.amount, row.reason, row.reference) for row in (earlier, wanted)
    )
    if first != second:
        raise KeyReused(key)
