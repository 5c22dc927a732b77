"""Open accounts, and freeze them."""

from datetime import datetime
from uuid import UUID

from midstage.kit.database import Tx
from midstage.middle.ledger import store
from midstage.middle.ledger.names import account_id
from midstage.middle.ledger.types import AccountDiffers, AccountId, AccountName, LotTermsInvalid, NoSuchAccount


async def open_account(
    tx: Tx, kind: str, owner: UUID, asset: str, *, min_balance: int | None, lots: bool = False
) -> AccountId:
    """Open an account, or find it open on the same terms. Raises AccountDiffers if it is open on others.

    With a minimum it keeps a balance row that can never fall below; without one (None) it is append-only.
    With `lots` what arrives keeps its own date of expiry; the minimum must then be zero (LotTermsInvalid).
    """
    if lots and min_balance != 0:
        raise LotTermsInvalid
    account = account_id(tx.brand, kind, owner, asset)
    await store.open_account(tx, account, AccountName(kind, owner, asset), min_balance=min_balance, keeps_lots=lots)
    row = (await store.accounts(tx, [account]))[account]
    if (row.min_balance, row.keeps_lots) != (min_balance, lots):
        raise AccountDiffers(account, kind)
    return account


async def freeze(tx: Tx, account: AccountId, *, until: datetime | None) -> None:
    """Let nothing be spent from an account until a moment; None thaws it. It can still receive.

    Holds that are open stay promised and may be posted. Raises NoSuchAccount where there is no balance row.
    """
    former = await store.freeze(tx, account, until)
    if former is None:
        raise NoSuchAccount(account)
    tx.note("ledger.freeze", "account", account, before={"until": former[0]}, after={"until": until})
