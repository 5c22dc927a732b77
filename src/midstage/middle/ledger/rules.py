"""Pure decisions of the ledger: ids from keys, shape of transfers, order of lots."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID, uuid5

import msgspec

from midstage.kit.ids import BrandId
from midstage.middle.ledger.types import (
    AMOUNT_LIMIT,
    POSTINGS_LIMIT,
    AccountId,
    AssetDiffers,
    HoldId,
    Lot,
    LotId,
    Posting,
    PostingInvalid,
    Take,
    TransferId,
)

SPACE = UUID("5f1d3c1e-6a0b-5f0e-9a54-0c6c7a6d1ed9")
_encoder = msgspec.msgpack.Encoder()


def transfer_id(brand: BrandId, key: str) -> TransferId:
    """The id of the transfer that a key stands for."""
    return TransferId(uuid5(SPACE, f"transfer/{brand}/{key}"))


def hold_id(brand: BrandId, key: str) -> HoldId:
    """The id of the hold that a key stands for."""
    return HoldId(uuid5(SPACE, f"hold/{brand}/{key}"))


def fingerprint(*content: object) -> bytes:
    """A short digest of what a key stands for: the same key with another digest is refused."""
    return blake2b(_encoder.encode(content), digest_size=16).digest()


class Party(msgspec.Struct, frozen=True):
    """An account that takes part in a transfer, with all that it gets or gives in it."""

    account_id: AccountId
    asset: str
    delta: int


def parties(postings: Sequence[Posting]) -> list[Party]:
    """Who takes part with how much, by account id: the order in which balances are locked.

    Raises PostingInvalid, and AssetDiffers where one account is posted in two assets.
    """
    if not 1 <= len(postings) <= POSTINGS_LIMIT:
        raise PostingInvalid(f"{len(postings)} postings")
    assets: dict[AccountId, str] = {}
    deltas: dict[AccountId, int] = {}
    for posting in postings:
        if not 0 < posting.amount <= AMOUNT_LIMIT:
            raise PostingInvalid(f"amount {posting.amount}")
        if posting.source == posting.destination:
            raise PostingInvalid("source and destination are one account")
        for account, amount in ((posting.source, -posting.amount), (posting.destination, posting.amount)):
            if assets.setdefault(account, posting.asset) != posting.asset:
                raise AssetDiffers(account, posting.asset)
            deltas[account] = deltas.get(account, 0) + amount
    return [Party(account, assets[account], deltas[account]) for account in sorted(deltas)]


def spendable(lots: Iterable[Lot], at: datetime) -> list[Lot]:
    """The lots that may be spent at a moment, first-expiring first, those without a date last.

    The lots come in order of arrival, which decides between equal dates.
    """
    fit = [
        lot
        for lot in lots
        if lot.left > 0
        and (lot.expires_at is None or lot.expires_at > at)
        and (lot.frozen_until is None or lot.frozen_until <= at)
    ]
    return sorted(fit, key=lambda lot: (lot.expires_at is None, lot.expires_at or at))


def take(lots: Sequence[Lot], amount: int) -> list[Take] | None:
    """Take an amount out of lots in their order; None if they do not hold as much."""
    taken: list[Take] = []
    for lot in lots:
        part = min(lot.left, amount)
        if part > 0:
            taken.append(Take(lot.account_id, lot.lot_id, part))
            amount -= part
    return taken if amount == 0 else None


def first_of(takes: Sequence[Take], amount: int) -> list[Take]:
    """The first takes that make up an amount, the last of them cut."""
    kept: list[Take] = []
    for one in takes:
        part = min(one.amount, amount)
        if part > 0:
            kept.append(Take(one.account_id, LotId(one.lot_id), part))
            amount -= part
    return kept
