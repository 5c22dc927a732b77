"""What things cost now, whether they still do, and why."""

from collections.abc import Sequence
from datetime import datetime

from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import rules, store
from midstage.middle.pricing.types import Candidate, NotPriced, PriceContext, PricesChanged, Quote

# More lists than this over one sku are not explained one by one; live ones come first.
MAX_CANDIDATES = 200


async def quote(
    tx: Tx, context: PriceContext, sku_ids: Sequence[catalogue.SkuId], *, at: datetime
) -> dict[catalogue.SkuId, Quote]:
    """The price of each sku for this sale, one statement; skus without a list price are left out.

    Store > the store's own price > operator > deepest unit > level > channel > list price (rules.precedence has it in
    full). The goods policy is asked for only where the store has a price of its own, and kept for some seconds.
    """
    found = await store.quote(tx, context, sku_ids, at)
    if all(own is None for _, own in found.values()):
        return {sku_id: quoted for sku_id, (quoted, _) in found.items()}
    policy = await organisation.settings_of(tx, catalogue.GOODS, context)
    return {sku_id: rules.with_own(quoted, own, policy) for sku_id, (quoted, own) in found.items()}


async def version(tx: Tx) -> int:
    """The brand's price version; read it before quoting, or take it from a Quote. 0 where no price was ever set."""
    return await store.read_version(tx)


async def confirm(tx: Tx, seen: int) -> None:
    """Raises PricesChanged where the version is no longer the one under which a cart was priced.

    No lock is taken: a change that commits after this statement is the same as one that came after the order,
    and a lock here would be one row that every order of the brand writes.
    """
    now = await store.read_version(tx)
    if now != seen:
        raise PricesChanged(seen)


def hold_to(tx: Tx, seen: int) -> None:
    """The same as `confirm`, checked by the flush together with what this transaction writes last."""
    store.hold_to(tx, seen)


async def why(tx: Tx, context: PriceContext, sku_id: catalogue.SkuId, *, at: datetime) -> list[Candidate]:
    """Every price that a sku could have, the one that it has first, each with its reason. Raises NotPriced."""
    base = (await store.read_base(tx, [sku_id])).get(sku_id)
    if base is None:
        raise NotPriced(str(sku_id))
    entries = await store.read_lists_of(tx, sku_id, MAX_CANDIDATES)
    own = await store.read_own(tx, context.store_id, sku_id)
    policy = await organisation.settings_of(tx, catalogue.GOODS, context)
    return rules.resolve(base, entries, context, at, own=own, policy=policy)
