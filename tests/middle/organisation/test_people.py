"""Staff and guides, touchpoints and platform accounts: nobody's customers are lost, nothing is left without a keeper."""

import asyncio

import pytest

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import PageRequest
from midstage.middle.organisation import api as organisation
from midstage.middle.organisation.api import (
    Guide,
    GuideId,
    NewGuide,
    NewPlatformAccount,
    NewStaff,
    NewStore,
    NewTouchpoint,
    PersonState,
    Platform,
    Staff,
    State,
    Store,
    StoreChange,
    StoreState,
    TouchpointKind,
)

CLOSED = StoreChange(state=StoreState.CLOSED)


async def _guide(tx: Tx, code: str = "g") -> tuple[Guide, Store, Staff]:
    store = await organisation.create_store(tx, NewStore(code=f"store-{code}", name="店"))
    person = await organisation.hire(tx, NewStaff(code=code, name="王小丽", phone="+8613800000001"))
    guide = await organisation.place_guide(
        tx, NewGuide(code=code, name="小丽", store_id=store.store_id, staff_id=person.staff_id)
    )
    return guide, store, person


async def test_a_guide_moves_and_her_stays_tell_where_she_was(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, first, _ = await _guide(tx)
        second = await organisation.create_store(tx, NewStore(code="second", name="店"))
        tx.told.clear()
        moved = await organisation.move_guide(tx, guide.guide_id, to=second.store_id)
        assert moved.store_id == second.store_id
        assert [fact for fact, _ in tx.told] == [
            organisation.GuideMoved(guide_id=guide.guide_id, from_store_id=first.store_id, to_store_id=second.store_id)
        ]
        await organisation.move_guide(tx, guide.guide_id, to=second.store_id)
        assert len(tx.told) == 1
        back = await organisation.move_guide(tx, guide.guide_id, to=first.store_id)
        stays = await organisation.stays(tx, guide.guide_id)
        assert [stay.store_id for stay in stays] == [first.store_id, second.store_id, first.store_id]
        assert [stay.until_at is None for stay in stays] == [False, False, True]
        with pytest.raises(organisation.ChangedMeanwhile):
            await organisation.move_guide(tx, guide.guide_id, to=second.store_id, seen=moved.version)
        assert await organisation.guide(tx, guide.guide_id) == back
        assert await organisation.checks(tx) == []


async def test_the_customers_of_a_guide_who_leaves_go_to_her_heir(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, store, _ = await _guide(tx)
        heir, _, _ = await _guide(tx, "heir")
        code = await organisation.create_touchpoint(
            tx, NewTouchpoint(code="qr", name="桌牌", kind=TouchpointKind.GUIDE_CODE, guide_id=guide.guide_id)
        )
        tx.told.clear()
        left = await organisation.end_guide(tx, guide.guide_id, hand_over_to=heir.guide_id)
        assert (left.state, left.left_at) == (PersonState.LEFT, tx.now)
        assert [fact for fact, _ in tx.told] == [
            organisation.GuideLeft(guide_id=guide.guide_id, store_id=store.store_id, heir_id=heir.guide_id)
        ]
        assert (await organisation.touchpoint(tx, code.touchpoint_id)).guide_id == heir.guide_id
        assert (await organisation.stays(tx, guide.guide_id))[-1].heir_id == heir.guide_id
        for verb in (
            organisation.end_guide(tx, guide.guide_id),
            organisation.move_guide(tx, guide.guide_id, to=store.store_id),
            organisation.change_guide(tx, guide.guide_id, organisation.GuideChange(name="别名")),
            organisation.end_guide(tx, heir.guide_id, hand_over_to=guide.guide_id),
        ):
            with pytest.raises(organisation.GuideGone):
                await verb
        assert await organisation.checks(tx) == []


async def test_without_an_heir_the_pool_takes_over(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, _, _ = await _guide(tx)
        pool = (await organisation.virtual(tx)).guide_id
        await organisation.end_guide(tx, guide.guide_id)
        assert (await organisation.stays(tx, guide.guide_id))[-1].heir_id == pool
        for verb in (organisation.end_guide(tx, pool), organisation.move_guide(tx, pool, to=guide.store_id)):
            with pytest.raises(organisation.Fixed):
                await verb
        with pytest.raises(organisation.NoSuchGuide):
            await organisation.end_guide(tx, GuideId(new_id()))


async def test_a_guide_is_not_her_own_heir(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, _, _ = await _guide(tx)
        with pytest.raises(organisation.HeirNotFit):
            await organisation.end_guide(tx, guide.guide_id, hand_over_to=guide.guide_id)
        assert await organisation.guide(tx, guide.guide_id) == guide


async def test_of_two_who_hand_over_to_each_other_at_once_one_stays(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        one, two = (await _guide(tx, "one"))[0], (await _guide(tx, "two"))[0]

    async def end(guide: Guide, heir: Guide) -> None:
        async with db.writing(brand) as tx:
            await organisation.end_guide(tx, guide.guide_id, hand_over_to=heir.guide_id)

    answers = await asyncio.gather(end(one, two), end(two, one), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["GuideGone", "NoneType"]
    async with db.reading(brand) as tx:
        states = [(await organisation.guide(tx, guide.guide_id)).state for guide in (one, two)]
        assert sorted(states) == ["active", "left"]
        assert await organisation.checks(tx) == []


async def test_a_store_with_guides_does_not_close_even_when_one_comes_at_once(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        ids = await organisation.create_stores(tx, [NewStore(code=f"s{n}", name="店") for n in range(6)])

    async def close(store_id: organisation.StoreId) -> None:
        async with db.writing(brand) as tx:
            await organisation.change_store(tx, store_id, CLOSED)

    async def place(store_id: organisation.StoreId) -> None:
        async with db.writing(brand) as tx:
            await organisation.place_guide(tx, NewGuide(code=str(store_id), name="新", store_id=store_id))

    answers = await asyncio.gather(*(verb(one) for one in ids for verb in (place, close)), return_exceptions=True)
    assert sum(isinstance(answer, organisation.StoreClosed | organisation.StoreStaffed) for answer in answers) == 6
    async with db.reading(brand) as tx:
        assert await organisation.checks(tx) == []


async def test_a_staff_person_is_one_guide_at_most_even_at_once(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        person = await organisation.hire(tx, NewStaff(code="p", name="李华"))
        store = await organisation.create_store(tx, NewStore(code="s", name="店"))

    async def place(number: int) -> None:
        async with db.writing(brand) as tx:
            new = NewGuide(code=f"g{number}", name="小李", store_id=store.store_id, staff_id=person.staff_id)
            await organisation.place_guide(tx, new)

    answers = await asyncio.gather(*(place(number) for number in range(4)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["AlreadyGuide"] * 3 + ["NoneType"]
    async with db.writing(brand) as tx:
        guide = await organisation.guide_of_staff(tx, person.staff_id)
        assert guide is not None
        other = await organisation.place_guide(tx, NewGuide(code="other", name="小王", store_id=store.store_id))
        with pytest.raises(organisation.AlreadyGuide):
            await organisation.change_guide(tx, other.guide_id, organisation.GuideChange(staff_id=person.staff_id))
        await organisation.end_guide(tx, guide.guide_id)
        assert await organisation.guide_of_staff(tx, person.staff_id) is None
        changed = await organisation.change_guide(
            tx, other.guide_id, organisation.GuideChange(staff_id=person.staff_id)
        )
        assert changed.staff_id == person.staff_id


async def test_staff_leaves_only_when_everything_is_handed_over(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, store, person = await _guide(tx)
        successor = await organisation.hire(tx, NewStaff(code="next", name="赵新"))
        account = await organisation.register_account(
            tx,
            NewPlatformAccount(
                platform=Platform.WECHAT_MINI, external_id="wx01", name="云织商城", staff_id=person.staff_id
            ),
        )
        assert account.store_id == (await organisation.virtual(tx)).store_id
        with pytest.raises(organisation.StaffBound) as refused:
            await organisation.dismiss(tx, person.staff_id)
        assert (refused.value.guides, refused.value.accounts) == (1, 1)
        await organisation.end_guide(tx, guide.guide_id)
        await organisation.change_account(
            tx,
            account.platform_account_id,
            organisation.PlatformAccountChange(staff_id=successor.staff_id, store_id=store.store_id),
        )
        with pytest.raises(organisation.StoreStaffed):
            await organisation.change_store(tx, store.store_id, CLOSED)
        tx.told.clear()
        gone = await organisation.dismiss(tx, person.staff_id)
        assert (gone.state, [fact for fact, _ in tx.told]) == (
            PersonState.LEFT,
            [organisation.StaffLeft(staff_id=person.staff_id)],
        )
        with pytest.raises(organisation.StaffGone):
            await organisation.dismiss(tx, person.staff_id)
        with pytest.raises(organisation.StaffGone):
            await organisation.change_account(
                tx, account.platform_account_id, organisation.PlatformAccountChange(staff_id=person.staff_id)
            )
        with pytest.raises(organisation.StaffGone):
            await organisation.place_guide(
                tx, NewGuide(code="again", name="小丽", store_id=store.store_id, staff_id=person.staff_id)
            )
        assert await organisation.checks(tx) == []


async def test_names_and_phones_stay_out_of_the_audit_trail(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, _, person = await _guide(tx)
        await organisation.change_staff(tx, person.staff_id, organisation.StaffChange(phone="+8613911112222"))
        await organisation.change_guide(tx, guide.guide_id, organisation.GuideChange(name="王丽丽"))
        said = str(tx.noted) + str(tx.told)
    for personal in ("王小丽", "13800000001", "13911112222", "王丽丽"):
        assert personal not in said


async def test_the_lists_of_people_keep_to_the_scope(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        mine, store, _ = await _guide(tx, "mine")
        await _guide(tx, "theirs")
        await organisation.create_touchpoints(
            tx,
            [
                NewTouchpoint(code="t1", name="门口", kind=TouchpointKind.STORE_CODE, store_id=store.store_id),
                NewTouchpoint(code="t2", name="海报", kind=TouchpointKind.POSTER),
            ],
        )
    scope = organisation.Scope(stores=frozenset({store.store_id}))
    wanted, page = organisation.Filter(scope=scope), PageRequest()
    async with db.reading(brand) as tx:
        assert (await organisation.list_guides(tx, wanted, page)).items == [mine]
        assert [one.code for one in (await organisation.list_staff(tx, wanted, page)).items] == ["mine"]
        assert [one.code for one in (await organisation.list_touchpoints(tx, wanted, page)).items] == ["t1"]
        assert (await organisation.list_accounts(tx, wanted, page)).items == []
        everybody = await organisation.list_guides(tx, organisation.Filter(), PageRequest(limit=2))
        rest = await organisation.list_guides(tx, organisation.Filter(), PageRequest(everybody.next, 2))
        assert [one.code for one in (*everybody.items, *rest.items)] == ["mine", "theirs", "virtual"]
        posters = await organisation.list_touchpoints(tx, organisation.Filter(kind="poster"), page)
        assert [one.code for one in posters.items] == ["t2"]


async def test_a_touchpoint_carries_its_source_and_can_be_pointed_elsewhere(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        guide, store, _ = await _guide(tx)
        virtual = await organisation.virtual(tx)
        made = await organisation.create_touchpoint(
            tx, NewTouchpoint(code="qr-1", name="门口", kind=TouchpointKind.STORE_CODE)
        )
        assert (made.store_id, made.guide_id) == (virtual.store_id, virtual.guide_id)
        change = organisation.TouchpointChange(store_id=store.store_id, guide_id=guide.guide_id)
        changed = await organisation.change_touchpoint(tx, made.touchpoint_id, change)
        assert await organisation.touchpoint_by_code(tx, "qr-1") == changed
        assert (changed.store_id, changed.guide_id, changed.state) == (store.store_id, guide.guide_id, State.OPEN)
        for new, refusal in (
            (NewTouchpoint(code="qr-1", name="又", kind=TouchpointKind.LINK), organisation.TouchpointCodeTaken),
            (NewTouchpoint(code="qr-2", name="又", kind=TouchpointKind.VIRTUAL), organisation.KindReserved),
            (
                NewTouchpoint(code="qr-2", name="又", kind=TouchpointKind.AD, guide_id=GuideId(new_id())),
                organisation.NoSuchGuide,
            ),
        ):
            with pytest.raises(refusal):
                await organisation.create_touchpoint(tx, new)
        with pytest.raises(organisation.NoSuchTouchpoint):
            await organisation.touchpoint_by_code(tx, "qr-2")
        with pytest.raises(organisation.Fixed):
            await organisation.change_touchpoint(
                tx, virtual.touchpoint_id, organisation.TouchpointChange(state=State.CLOSED)
            )


async def test_an_account_of_a_platform_is_registered_once(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        person = await organisation.hire(tx, NewStaff(code="p", name="李华"))

    async def register() -> None:
        async with db.writing(brand) as tx:
            await organisation.register_account(
                tx,
                NewPlatformAccount(platform=Platform.DOUYIN, external_id="dy1", name="号", staff_id=person.staff_id),
            )

    answers = await asyncio.gather(*(register() for _ in range(4)), return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["NoneType"] + ["PlatformAccountTaken"] * 3
    async with db.reading(brand) as tx:
        page = await organisation.list_accounts(tx, organisation.Filter(kind="douyin"), PageRequest(limit=1))
        assert ([one.external_id for one in page.items], page.next) == (["dy1"], None)
