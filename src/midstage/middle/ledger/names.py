"""The ids of accounts are made of their names, so that nobody has to look one up."""

from uuid import UUID, uuid5

from midstage.kit.ids import BrandId
from midstage.middle.ledger.rules import SPACE
from midstage.middle.ledger.types import AccountId, AccountName

_NAMES_KEPT = 100_000
_names: dict[AccountId, AccountName] = {}


def account_id(brand: BrandId, kind: str, owner: UUID, asset: str) -> AccountId:
    """The id of an account: the same for the same brand, kind, owner and asset, everywhere and always.

    The process remembers what it named lately, so that a transfer can open an append-only account on first use.
    """
    account = AccountId(uuid5(SPACE, f"account/{brand}/{kind}/{owner}/{asset}"))
    name = _names.pop(account, None) or AccountName(kind, owner, asset)
    _names[account] = name  # put last: the first of the dict is the one that was not asked for the longest time
    if len(_names) > _NAMES_KEPT:
        del _names[next(iter(_names))]
    return account


def name_of(account: AccountId) -> AccountName | None:
    """The name of an account that this process named lately."""
    return _names.get(account)
