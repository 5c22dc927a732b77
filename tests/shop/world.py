"""Two halves of one brand, near and far, and what lies in each: whom a call is for, and whom it is not for."""

import itertools
from datetime import timedelta
from uuid import UUID

from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.kit.refusals import Text
from midstage.kit.webhooks import api as webhooks
from midstage.middle.access import api as access
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import api as inventory
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments
from midstage.middle.pricing import api as pricing
from shop import STOCK_MILLI, Shop, open_shop
from shop.goods import furnish_own
from shop.identities import identities
from shop.stock_work import open_stock_work
from shop.till import furnish_till

_numbers = itertools.count(1)
APPROVED = "test.in_a_store"


async def _store_named(_: Tx, subject: str) -> organisation.StoreId | None:
    return organisation.StoreId(UUID(subject))


# Something of a store that may need an approval, whatever the modules declare.
access.declare_approval(access.ApprovalAction(APPROVED, Text("测试", "Test"), _store_named))


class Half:
    """What lies in one half: one thing of each kind, by the name that addresses give to its id."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}
        self.store: organisation.Store
        self.member: members.Member
        self.order: orders.PlacedOrder
        self.unit_id: organisation.UnitId
        self.operator_id: organisation.OperatorId

    def __getitem__(self, name: str) -> str:
        return self.ids[name]


class World:
    """A shop whose organisation has two halves, with somebody who signed in for each role and scope."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.near = Half()
        self.far = Half()

    async def staff(self, role: str, scope: organisation.Scope, password: access.PasswordHash) -> access.Token:
        """Somebody new with one role, signed in."""
        name = f"w{next(_numbers)}"

        async def work(tx: Tx) -> access.Token:
            hired = await organisation.hire(tx, organisation.NewStaff(code=name, name="李雷"))
            await access.create_login(tx, hired.staff_id, name, password, [access.RoleGrant(role, scope)])
            return await access.open_session(tx, access.SessionKind.STAFF, hired.staff_id, lasts=timedelta(hours=1))

        return await self.shop.database.attempt(self.shop.tenant, work)

    async def key(
        self,
        permissions: frozenset[str] = frozenset(access.PERMISSIONS),
        scope: organisation.Scope = organisation.EVERYTHING,
    ) -> access.Token:
        """The secret of an API key that may do everything, or so much."""

        async def work(tx: Tx) -> access.Token:
            _, secret = await access.create_key(tx, "probe", permissions, scope)
            return secret

        return await self.shop.database.attempt(self.shop.tenant, work)

    def traces(self, half: Half) -> list[str]:
        """What an answer that shows something of this half alone would hold."""
        other = set((self.far if half is self.near else self.near).ids.values())
        return [value for value in half.ids.values() if value not in other]


async def open_world(shop: Shop) -> World:
    """Divide a shop into two halves."""
    world = World(shop)
    for half, code in ((world.near, "near"), (world.far, "far")):
        await _furnish(shop, half, code)
    await _price(shop, world)
    for half in (world.near, world.far):
        await _ask(shop, world, half)
    return world


async def foreign_world(world: World) -> World:
    """The same things in another brand of the same database."""
    return await open_world(await open_shop(world.shop.database, products=2, stores=1))


async def _furnish(shop: Shop, half: Half, code: str) -> None:
    async def organise(tx: Tx) -> None:
        unit = await organisation.create_unit(tx, organisation.NewUnit(code=f"U-{code}", name=code))
        operator = await organisation.create_operator(
            tx, organisation.NewOperator(code=f"O-{code}", name=code, kind=organisation.OperatorKind.FRANCHISEE)
        )
        [store_id] = await organisation.create_stores(
            tx,
            [
                organisation.NewStore(
                    code=f"ST-{code}",
                    name=code,
                    unit_id=unit.unit_id,
                    operator_id=operator.operator_id,
                    place=organisation.Place(31.3, 121.5),
                )
            ],
        )
        half.unit_id, half.operator_id = unit.unit_id, operator.operator_id
        half.store = (await organisation.stores(tx, [store_id]))[store_id]
        staff = await organisation.hire(
            tx, organisation.NewStaff(code=f"P-{code}", name=code, operator_id=operator.operator_id)
        )
        guide = await organisation.place_guide(
            tx, organisation.NewGuide(code=f"G-{code}", name=code, store_id=store_id)
        )
        touchpoint = await organisation.create_touchpoint(
            tx,
            organisation.NewTouchpoint(
                code=f"T-{code}", name=code, kind=organisation.TouchpointKind.POSTER, store_id=store_id
            ),
        )
        account = await organisation.register_account(
            tx,
            organisation.NewPlatformAccount(
                platform=organisation.Platform.WECHAT_OFFICIAL,
                external_id=f"gh-{code}-{new_id().hex}",
                name=code,
                staff_id=staff.staff_id,
                store_id=store_id,
            ),
        )
        location = inventory.location_of(store_id)
        await inventory.place_locations(
            tx, [inventory.Location(location, half.store.kind, operator.operator_id, half.store.place)]
        )
        await inventory.open_stock(tx, [inventory.Opening(location, sku_id, STOCK_MILLI) for sku_id in shop.skus])
        share = await inventory.set_share(tx, 100, location_id=location)
        own_product_id, own_sku_id = await furnish_own(tx, shop, store_id)
        _keep(
            half,
            share_id=share.share_id,
            own_product_id=own_product_id,
            own_sku_id=own_sku_id,
            unit_id=unit.unit_id,
            operator_id=operator.operator_id,
            store_id=store_id,
            staff_id=staff.staff_id,
            guide_id=guide.guide_id,
            touchpoint_id=touchpoint.touchpoint_id,
            account_id=account.platform_account_id,
            session_id=await _session(tx, staff.staff_id),
            sku_id=shop.skus[0],
            product_id=shop.products[0].product_id,
        )

    await shop.database.attempt(shop.tenant, organise)
    _keep(half, **await open_stock_work(shop, half.store, code))
    _keep(half, **(await shop.do(identities))._asdict())
    half.member = await shop.new_member(store_id=half.store.store_id)
    half.order = await shop.place(1, 2, store_id=half.store.store_id, member_id=half.member.member_id)
    await shop.pay(half.order)
    _keep(
        half,
        member_id=half.member.member_id,
        person_id=half.member.person_id,
        order_id=half.order.order.order_id,
        payment_id=half.order.payment_id or half.order.order.order_id,
        merchant_id=shop.merchant.merchant_id,
        discrepancy_id=new_id(),
        difference_id=new_id(),
        key=new_id(),
    )
    half.ids |= {"number": half.order.order.number, "job_id": "0", "subscriber": "nobody", "kind": "nothing"}
    half.ids |= {"request_id": str(new_id())}
    half.ids |= {"code": "no-such-role", "key_id": str(new_id())}
    half.ids |= {"policy": "goods", "level": "store", "holder_id": half["store_id"], "return_id": str(new_id())}

    async def give_back(tx: Tx) -> UUID:
        wish = orders.RefundWish(line_no=1, quantity_milli=1000)
        order_id = half.order.order.order_id
        await orders.refund_order(tx, order_id, [wish], reason="test")
        return (await payments.refunds(tx, payments.RefundFilters(None, order_id), PageRequest())).items[0].refund_id

    _keep(half, refund_id=await shop.do(give_back))
    _keep(half, **await furnish_till(shop, half.store.store_id))


async def _price(shop: Shop, world: World) -> None:
    """What the brand has once, for both halves: a price list, and a category without products."""

    async def work(tx: Tx) -> None:
        name = catalogue.Name("促销", "Sale")
        draft = pricing.PriceListDraft("sale", name, "CNY", tx.now)
        found = await pricing.create_price_list(tx, draft)
        empty = await catalogue.create_category(tx, catalogue.CategoryDraft("empty", name))
        change = await catalogue.open_change(tx, catalogue.ChangeKind.CATEGORIES)
        hook, _ = await webhooks.make(tx, webhooks.EndpointDraft("https://hooks.invalid/"), loopback=False)
        for half in (world.near, world.far):
            _keep(
                half,
                price_list_id=found.price_list_id,
                category_id=empty,
                change_id=change,
                endpoint_id=hook,
                fact_number="1",
            )

    await shop.database.attempt(shop.tenant, work)


async def _ask(shop: Shop, world: World, half: Half) -> None:
    """Somebody of the store asks for an approval that nobody has answered."""
    here = organisation.Scope(stores=frozenset({half.store.store_id}))
    token = await world.staff("guide", here, await access.hash_password("a password of nobody"))

    async def work(tx: Tx) -> None:
        session = await access.find_session(tx, token)
        asked = await access.ask_approval(tx, action=APPROVED, subject=str(half.store.store_id), by=session)
        _keep(half, approval_id=asked.approval_id)

    await shop.database.attempt(shop.tenant, work)


async def _session(tx: Tx, staff_id: organisation.StaffId) -> UUID:
    await access.open_session(tx, access.SessionKind.STAFF, staff_id, lasts=timedelta(hours=1))
    return (await access.sessions(tx, staff_id))[0].session_id


def _keep(half: Half, **ids: UUID | str) -> None:
    half.ids.update({name: str(value) for name, value in ids.items()})
