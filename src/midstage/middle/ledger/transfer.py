"""Book a transfer: once a key, whole or not at all."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.middle.ledger import rules, store
from midstage.middle.ledger.names import name_of
from midstage.middle.ledger.store import Draft, Kept
from midstage.middle.ledger.types import (
    AccountDiffers,
    AccountFrozen,
    AccountId,
    AssetDiffers,
    BalanceShort,
    KeyReused,
    Lot,
    LotId,
    LotTermsInvalid,
    NoSuchAccount,
    Posting,
    Take,
    TransferId,
)


class LotTerms(msgspec.Struct, frozen=True):
    """How long what arrives is frozen, and when it expires."""

    frozen_until: datetime | None = None
    expires_at: datetime | None = None


_LASTING = LotTerms()


async def transfer(tx: Tx, key: str, postings: Sequence[Posting], *, reason: str, reference: UUID) -> TransferId:
    """Move amounts between accounts, all or none. The same key again returns the earlier transfer.

    Accounts without a minimum are opened on first use, if `account_id` of this process named them. From an account
    that keeps lots the first-expiring are spent first; what it receives here is a lot that never expires.
    Raises BalanceShort, AccountFrozen, KeyReused, NoSuchAccount, AssetDiffers, PostingInvalid; then nothing is written.
    """
    return await book(tx, draft(tx, key, postings, reason=reason, reference=reference), _LASTING)


async def credit_lot(
    tx: Tx,
    key: str,
    posting: Posting,
    *,
    expires_at: datetime | None,
    frozen_until: datetime | None = None,
    reason: str,
    reference: UUID,
) -> LotId:
    """Move an amount into a lot of its own: it expires, and until a date it may be frozen.

    The destination must keep lots (else LotTermsInvalid). Idempotent by key like `transfer`.
    """
    if expires_at is not None and expires_at <= max(tx.now, frozen_until or tx.now):
        raise LotTermsInvalid
    terms = (str(expires_at), str(frozen_until))
    drafted = draft(tx, key, [posting], reason=reason, reference=reference, terms=terms)
    destination = (await store.accounts(tx, [posting.destination])).get(posting.destination)
    if destination is None or not destination.keeps_lots:
        raise LotTermsInvalid
    return LotId(await book(tx, drafted, LotTerms(frozen_until, expires_at)))


def draft(
    tx: Tx, key: str, postings: Sequence[Posting], *, reason: str, reference: UUID, terms: tuple[str, ...] = ()
) -> Draft:
    """A transfer as it would be written. Raises PostingInvalid, AssetDiffers."""
    parties = rules.parties(postings)
    names = [name_of(party.account_id) for party in parties]
    for party, name in zip(parties, names, strict=True):
        if name is not None and name.asset != party.asset:
            raise AssetDiffers(party.account_id, party.asset)
    content = rules.fingerprint(postings, reason, reference, terms)
    transfer = rules.transfer_id(tx.brand, key)
    return Draft(transfer, key, content, postings, parties, names, reason, reference)


async def book(tx: Tx, drafted: Draft, terms: LotTerms, *, takes: Sequence[Take] | None = None) -> TransferId:
    """Write a transfer, or find it written. With `takes` the caller holds the locks and chose the lots to spend."""
    raced = await store.book(tx, drafted, decided=False) if takes is None else None
    if raced is None:
        return await _book_slowly(tx, drafted, terms, takes)
    if raced:
        await _check_raced(tx, drafted)
    return drafted.transfer_id


async def _book_slowly(tx: Tx, drafted: Draft, terms: LotTerms, chosen: Sequence[Take] | None) -> TransferId:
    """The way of what is known, short, frozen or kept in lots: lock, look, decide, write."""
    ids = [party.account_id for party in drafted.parties]
    kept = await store.lock_balances(tx, ids)
    earlier = await store.content_of(tx, drafted.transfer_id)
    if earlier is not None:
        return _same(drafted, earlier)
    await _check_accounts(tx, drafted)
    lots = await store.lots(tx, [account for account, row in kept.items() if row.keeps_lots])
    takes = _decide(tx, drafted, kept, lots) if chosen is None else chosen
    raced = await store.book(tx, drafted, decided=True)
    if raced is None:  # one with the same key was faster, and took none of our balances
        earlier = await store.content_of(tx, drafted.transfer_id)
        return _same(drafted, earlier)
    if raced:
        await _check_raced(tx, drafted)
    if takes:
        await store.take_lots(tx, drafted.transfer_id, takes)
    births = [
        (party.account_id, party.delta)
        for party in drafted.parties
        if party.delta > 0 and party.account_id in kept and kept[party.account_id].keeps_lots
    ]
    if births:
        await store.bring_lots(
            tx, drafted.transfer_id, births, frozen_until=terms.frozen_until, expires_at=terms.expires_at
        )
    return drafted.transfer_id


def _same(drafted: Draft, earlier: bytes | None) -> TransferId:
    if earlier != drafted.content:
        raise KeyReused(drafted.key)
    return drafted.transfer_id


async def _check_accounts(tx: Tx, drafted: Draft) -> None:
    known = await store.accounts(tx, [party.account_id for party in drafted.parties])
    for party, name in zip(drafted.parties, drafted.names, strict=True):
        row = known.get(party.account_id)
        if row is None and name is None:
            raise NoSuchAccount(party.account_id)
        if row is not None and row.asset != party.asset:
            raise AssetDiffers(party.account_id, party.asset)


def _decide(tx: Tx, drafted: Draft, kept: dict[AccountId, Kept], lots: Sequence[Lot]) -> list[Take]:
    """Which lots are spent. Raises AccountFrozen, and BalanceShort where a minimum or the lots do not allow it."""
    takes: list[Take] = []
    for party in drafted.parties:
        row = kept.get(party.account_id)
        if row is None or party.delta >= 0:
            continue
        check_free(row, -party.delta, at=tx.now)
        if row.keeps_lots:
            takes += choose_lots(lots, party.account_id, -party.delta, at=tx.now)
    return takes


def check_free(row: Kept, amount: int, *, at: datetime) -> None:
    """Raises AccountFrozen, and BalanceShort for an account without lots."""
    if row.frozen_until is not None and row.frozen_until > at:
        raise AccountFrozen(row.account_id, row.frozen_until)
    free = row.amount - row.held - row.min_balance
    if amount > free and not row.keeps_lots:
        raise BalanceShort(row.account_id, amount, max(free, 0))


def choose_lots(lots: Sequence[Lot], account: AccountId, amount: int, *, at: datetime) -> list[Take]:
    """First-expiring first. Raises BalanceShort."""
    fit = rules.spendable((lot for lot in lots if lot.account_id == account), at)
    takes = rules.take(fit, amount)
    if takes is None:
        raise BalanceShort(account, amount, sum(lot.left for lot in fit))
    return takes


async def _check_raced(tx: Tx, drafted: Draft) -> None:
    """Somebody opened an account in the same moment: if it was with a minimum, our entry missed its balance."""
    missed = await store.missed(tx, [party.account_id for party in drafted.parties])
    if missed is not None:
        raise AccountDiffers(missed.account_id, missed.kind)
