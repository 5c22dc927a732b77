"""The ledger's words."""

from datetime import datetime
from enum import StrEnum
from typing import NewType
from uuid import UUID

import msgspec

from midstage.kit.refusals import Conflict, Invalid, NotFound, Text

AccountId = NewType("AccountId", UUID)
TransferId = NewType("TransferId", UUID)
HoldId = NewType("HoldId", UUID)
LotId = NewType("LotId", UUID)

POSTINGS_LIMIT = 1_000
AMOUNT_LIMIT = 10**15  # a bigint holds nine thousand of these, so no sum that we form can overflow


class AccountName(msgspec.Struct, frozen=True):
    """What an account id is made of, besides the brand."""

    kind: str
    owner: UUID
    asset: str


class Posting(msgspec.Struct, frozen=True):
    """An amount, always positive, that goes from one account to another."""

    source: AccountId
    destination: AccountId
    asset: str
    amount: int


class Balance(msgspec.Struct, frozen=True):
    """What an account has, what of it is held, and what can be spent at this moment.

    `free` is the amount without holds, the minimum, frozen lots and lots past their date; nothing while the whole
    account is frozen. An append-only account has no limit, so its `free` is its amount.
    """

    amount: int = 0
    held: int = 0
    free: int = 0


class Entry(msgspec.Struct, frozen=True):
    """One line of an account's statement; the amount is signed."""

    number: int
    transfer_id: TransferId
    asset: str
    amount: int
    reason: str
    reference: UUID
    booked_at: datetime


class HoldState(StrEnum):
    OPEN = "open"
    POSTED = "posted"
    RELEASED = "released"
    EXPIRED = "expired"


class Hold(msgspec.Struct, frozen=True):
    """An amount set aside for one destination until it is posted, released or over."""

    hold_id: HoldId
    account_id: AccountId
    destination: AccountId
    asset: str
    amount: int
    posted: int
    state: HoldState
    reason: str
    reference: UUID
    expires_at: datetime


class Lot(msgspec.Struct, frozen=True):
    """A part of an account's balance that arrived together and expires together."""

    lot_id: LotId
    account_id: AccountId
    amount: int
    left: int
    held: int
    arrived_at: datetime
    frozen_until: datetime | None
    expires_at: datetime | None


class Take(msgspec.Struct, frozen=True):
    """How much is taken out of which lot."""

    account_id: AccountId
    lot_id: LotId
    amount: int


class BalanceShort(Conflict):
    """Less is free on the account than was asked for."""

    text = Text(zh="余额不足：需要 {wanted}，可用 {free}", en="The balance is short: {wanted} wanted, {free} free.")
    account: AccountId
    wanted: int
    free: int


class KeyReused(Conflict):
    """The key was used before for something else."""

    text = Text(zh="键 {key} 已用于另一笔记账", en="Key {key} was already used for another booking.")
    key: str


class AccountFrozen(Conflict):
    """Nothing may be spent from the account for now."""

    text = Text(zh="账户已冻结至 {until}", en="The account is frozen until {until}.")
    account: AccountId
    until: datetime


class AccountDiffers(Conflict):
    """The account is already open with another minimum or another way of keeping lots."""

    text = Text(zh="账户已按其他条件开立（{kind}）", en="The account ({kind}) is already open on other terms.")
    account: AccountId
    kind: str


class LotTermsInvalid(Invalid):
    """Lots are kept only by accounts whose minimum is zero, and a lot must outlive its arrival and its freeze."""

    text = Text(zh="批次的条件无效", en="These terms make no sense for an account that keeps lots.")


class NoSuchAccount(NotFound):
    """No account has this id, and its name is not known."""

    text = Text(zh="账户不存在", en="There is no such account.")
    account: AccountId


class AssetDiffers(Invalid):
    """The account keeps another asset than the one posted."""

    text = Text(zh="账户的资产不是 {asset}", en="The account does not keep {asset}.")
    account: AccountId
    asset: str


class PostingInvalid(Invalid):
    """A posting needs a positive amount and two different accounts; a transfer has between one and 1,000 of them."""

    text = Text(zh="分录无效：{what}", en="The postings are invalid: {what}.")
    what: str


class NotHoldable(Invalid):
    """Only an account with a minimum balance can have holds."""

    text = Text(zh="该账户不能预留金额", en="Amounts cannot be held on this account.")
    account: AccountId


class NoSuchHold(NotFound):
    """No hold has this id."""

    text = Text(zh="预留不存在", en="There is no such hold.")
    hold: HoldId


class HoldOver(Conflict):
    """The hold was ended before, or its time is over."""

    text = Text(zh="预留已结束（{state}）", en="The hold is over ({state}).")
    hold: HoldId
    state: str


class HoldExceeded(Conflict):
    """More was to be posted than is held."""

    text = Text(zh="超出预留金额：{wanted}，预留 {held}", en="More than is held: {wanted} wanted, {held} held.")
    hold: HoldId
    wanted: int
    held: int
