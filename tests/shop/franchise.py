"""An operator of its own beside the brand's: with a store that is stocked, a payee, and an account to collect with."""

import itertools

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.inventory import api as inventory
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from shop import SECRET_VARIABLE, STOCK_MILLI, Shop

NOWHERE = "http://127.0.0.1:9"
_numbers = itertools.count(1)


class Franchise(msgspec.Struct, frozen=True):
    """A franchisee with one store. `merchant` None: it has no account yet."""

    operator: organisation.Operator
    payee: organisation.PayeeId
    store: organisation.Store
    merchant: payments.Merchant | None


async def open_franchise(
    shop: Shop, *, account: bool = True, base_url: str = NOWHERE, secret: str = f"env:{SECRET_VARIABLE}"
) -> Franchise:
    """Take on a franchisee, open and stock its store, and give it an account at the simulated provider."""
    number = next(_numbers)
    payee = organisation.Payee(f"加盟商 {number} 有限公司", "sandbox", f"A-{number}")

    async def work(tx: Tx) -> Franchise:
        operator = await organisation.create_operator(
            tx,
            organisation.NewOperator(
                code=f"F{number}", name=f"加盟商 {number}", kind=organisation.OperatorKind.FRANCHISEE, payee=payee
            ),
        )
        place = organisation.Place(31.2, 121.4 + number / 1000)
        [store_id] = await organisation.create_stores(
            tx,
            [
                organisation.NewStore(
                    code=f"FS{number}", name=f"加盟店 {number}", operator_id=operator.operator_id, place=place
                )
            ],
        )
        store = (await organisation.stores(tx, [store_id]))[store_id]
        location = inventory.location_of(store_id)
        await inventory.place_locations(
            tx, [inventory.Location(location, store.kind, operator.operator_id, store.place)]
        )
        await inventory.open_stock(tx, [inventory.Opening(location, sku_id, STOCK_MILLI) for sku_id in shop.skus])
        merchant = await account_of(tx, payee.payee_id, base_url=base_url, secret=secret) if account else None
        return Franchise(operator, payee.payee_id, store, merchant)

    return await shop.do(work)


async def account_of(
    tx: Tx, payee: organisation.PayeeId, *, base_url: str = NOWHERE, secret: str = f"env:{SECRET_VARIABLE}"
) -> payments.Merchant:
    """An account at the simulated provider for a payee."""
    return await payments.put_merchant(
        tx,
        provider="sandbox",
        payee=payee,
        settings={"merchant_no": f"F{new_id().hex}", "base_url": base_url},
        secrets={"secret": secret},
    )


async def collects(shop: Shop, *, store: organisation.Store | None = None, **chosen: str) -> None:
    """Choose who collects: for a store, or for the whole brand."""

    async def work(tx: Tx) -> None:
        if store is None:
            root = shop.store.unit_path[0]
            holder = organisation.Holder(organisation.Level.BRAND, root)
        else:
            holder = organisation.Holder(organisation.Level.STORE, store.store_id)
        found = [one for one in await organisation.choices(tx, "collecting") if one.holder == holder]
        version = found[0].version if found else None
        await organisation.choose(tx, "collecting", holder, {**chosen}, version=version)

    await shop.do(work)


async def open_payments_of(shop: Shop, placed: orders.PlacedOrder) -> list[payments.Payment]:
    """The payments of an order, in the order of their amounts."""
    async with shop.database.reading(shop.tenant) as tx:
        found = (await payments.payments_of(tx, [placed.order.order_id])).get(placed.order.order_id, [])
    return sorted(found, key=lambda one: one.due_minor)
