"""The ledger, to look at: it is of the brand as a whole, and nobody writes into it by hand."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import reading
from midstage.fronts._http.scope import NeedsWholeBrand, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.kit.database import Tx
from midstage.kit.paging import Limit, Page, PageRequest
from midstage.middle.ledger import api as ledger

TAGS = ["console: ledger"]
READ = "ledger.read"
AccountKind = Annotated[
    str, msgspec.Meta(min_length=1, max_length=60, description="As modules name it: order_deposits, sales, …")
]
Owner = Annotated[UUID, msgspec.Meta(description="Whose account it is; all zeros for the brand itself")]
Asset = Annotated[str, msgspec.Meta(min_length=1, max_length=40, description="A currency, points, …")]


class AssetTotal(msgspec.Struct, frozen=True):
    """The sum of all accounts of an asset, which is zero."""

    asset: str
    total: int


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    """An account and what it has; one that was never used has nothing."""

    account_id: UUID
    kind: str
    owner: UUID
    asset: str
    amount: int
    held: int
    free: int


@reading("/ledger/trial-balance", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def trial_balance(tx: Tx, staff: Staff) -> list[AssetTotal]:
    """The sum of all accounts, asset by asset: each is zero."""
    whole_brand(staff, READ)
    return [AssetTotal(asset, total) for asset, total in await ledger.trial_balance(tx)]


@reading("/ledger/account", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def ledger_account(kind: AccountKind, owner: Owner, asset: Asset, tx: Tx, staff: Staff) -> AccountView:
    """What an account has, what of it is held, and what can be spent."""
    whole_brand(staff, READ)
    account = ledger.account_id(tx.brand, kind, owner, asset)
    found = await ledger.balance(tx, account)
    return AccountView(
        account_id=account,
        kind=kind,
        owner=owner,
        asset=asset,
        amount=found.amount,
        held=found.held,
        free=found.free,
    )


@reading("/ledger/entries", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand,))
async def ledger_entries(
    kind: AccountKind,
    owner: Owner,
    asset: Asset,
    tx: Tx,
    staff: Staff,
    after: str | None = None,
    limit: Limit = 50,
) -> Page[ledger.Entry]:
    """The statement of an account, the newest entry first."""
    whole_brand(staff, READ)
    account = ledger.account_id(tx.brand, kind, owner, asset)
    return await ledger.entries(tx, account, PageRequest(after, limit))


HANDLERS: list[HTTPRouteHandler] = [trial_balance, ledger_account, ledger_entries]
