"""Profile, level, state, labels, consents and lists of members."""

import asyncio
import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.paging import BadCursor, PageRequest
from midstage.kit.rules import Ago, All, Asked, Compare, Contains, Is, Known, Long, Not, View, check
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.members import api as members
from midstage.middle.members import conditions, rules
from midstage.middle.members.api import (
    Channel,
    FieldKind,
    Gender,
    Level,
    Member,
    MemberFilter,
    Profile,
    ProfileChange,
    ProfileField,
    Purpose,
)
from midstage.middle.organisation import api as organisation

SHOE = ProfileField("shoe_size", FieldKind.NUMBER, "鞋码", "Shoe size", personal=False)
COLOUR = ProfileField("colour", FieldKind.CHOICE, "颜色", "Colour", ["red", "blue"])


@pytest_asyncio.fixture(loop_scope="session")
async def brand(db: Database) -> Tenant:
    return await organisation.create_brand(
        db, code=f"m{new_id().hex[-12:]}", name="云织", currency="CNY", zone="Asia/Shanghai", day_starts_minute=0
    )


async def joined(tx: Tx, card: str = "C1", store_id: organisation.StoreId | None = None) -> Member:
    found = await identity.attach_and_resolve(tx, [Identifier(IdentifierKind.CARD, card)], source="test")
    return await members.join(tx, found.person_id, front="mall", store_id=store_id)


async def test_a_profile_changes_where_it_differs_and_leaves_a_masked_trace(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        member = await joined(tx)
        await members.define_field(tx, SHOE)
        tx.told.clear()
        tx.noted.clear()
        change = ProfileChange(name="  李  娜娜娜娜 ", birthday=date(1990, 5, 1), extra={"shoe_size": 38})
        after = await members.change_profile(tx, member.member_id, change, seen=member.version)
        assert (after.name, after.birthday, after.gender) == ("李 娜娜娜娜", date(1990, 5, 1), None)
        assert after.extra == {"shoe_size": 38}
        assert [fact for fact, _ in tx.told] == [
            members.MemberProfileChanged(
                person_id=member.person_id, member_id=member.member_id, fields=["name", "birthday", "shoe_size"]
            )
        ]
        assert "李 娜娜娜娜" not in str(tx.noted)
        assert "1990" not in str(tx.noted)
        assert tx.noted[0].after["shoe_size"] == 38
        tx.told.clear()
        again = await members.change_profile(tx, member.member_id, ProfileChange(extra={"shoe_size": 38}))
        assert again == after
        assert tx.told == []
        cleared = await members.change_profile(
            tx, member.member_id, ProfileChange(birthday=None, gender=Gender.FEMALE, extra={"shoe_size": None})
        )
        assert (cleared.name, cleared.birthday, cleared.gender, cleared.extra) == (
            "李 娜娜娜娜",
            None,
            Gender.FEMALE,
            {},
        )
        with pytest.raises(members.MemberChanged):
            await members.change_profile(tx, member.member_id, ProfileChange(name="x"), seen=member.version)


@pytest.mark.parametrize(
    "change",
    [
        ProfileChange(name=" "),
        ProfileChange(name="x" * 101),
        ProfileChange(name="a\0b"),
        ProfileChange(birthday=date(1899, 12, 31)),
        ProfileChange(birthday=date(2999, 1, 1)),
        ProfileChange(extra={"unknown": "1"}),
        ProfileChange(extra={"shoe_size": "38"}),
        ProfileChange(extra={"shoe_size": True}),
        ProfileChange(extra={"shoe_size": float("nan")}),
        ProfileChange(extra={"colour": "green"}),
    ],
)
def test_a_value_that_cannot_be_is_refused(change: ProfileChange) -> None:
    with pytest.raises(members.BadProfile):
        rules.changed(Profile(), change, {"shoe_size": SHOE, "colour": COLOUR}, today=date(2026, 1, 1))


async def test_the_kind_of_a_field_is_for_ever(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        await members.define_field(tx, COLOUR)
        await members.define_field(tx, ProfileField("colour", FieldKind.CHOICE, "颜色", "Colour", ["red", "green"]))
        assert (await members.fields(tx))["colour"].choices == ["red", "green"]
        with pytest.raises(members.BadProfile):
            await members.define_field(tx, ProfileField("colour", FieldKind.TEXT, "颜色", "Colour"))
        with pytest.raises(members.BadProfile):
            await members.define_field(tx, ProfileField("no_choice", FieldKind.CHOICE, "无", "None"))


async def test_a_level_is_written_once_and_told_once(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        member = await joined(tx)
        tx.told.clear()
        gold = await members.change_level(tx, member.member_id, level="gold", growth=6_000)
        assert (gold.level, gold.growth) == ("gold", 6_000)
        assert await members.change_level(tx, member.member_id, level="gold", growth=6_000) == gold
        assert len(tx.told) == 1
        with pytest.raises(members.NoSuchLevel):
            await members.change_level(tx, member.member_id, level="platinum", growth=1)
        with pytest.raises(members.BadGrowth):
            await members.change_level(tx, member.member_id, level="gold", growth=-1)
        assert await members.member(tx, member.member_id) == gold


async def test_own_levels_stand_instead_of_the_default_ones(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        await members.put_level(tx, Level("friend", "朋友", "Friend", 1))
        with pytest.raises(members.LevelRankTaken):
            await members.put_level(tx, Level("family", "家人", "Family", 1))
        with pytest.raises(members.BadLevel):
            await members.put_level(tx, Level("Bad Code", "坏", "Bad", 2))
        assert [each.code for each in await members.default_levels(tx)] == ["friend"]
        assert (await joined(tx)).level == "friend"


async def test_a_frozen_member_stays_a_member(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        member = await joined(tx)
        frozen = await members.change_state(tx, member.member_id, members.MemberState.FROZEN, reason="fraud")
        assert frozen.state is members.MemberState.FROZEN
        assert (await members.shopper(tx, member.member_id)).state is members.MemberState.FROZEN
        assert (await joined(tx)).member_id == member.member_id


async def test_labels_are_replaced_for_those_named_and_reach_all_ids_of_a_person(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        one, other, loser = await joined(tx, "C1"), await joined(tx, "C2"), await joined(tx, "C3")
        await tx.run(
            "insert into person_alias (brand_id, person_id, root_id) values ($1, $2, $3)",
            tx.brand, loser.person_id, one.person_id,
        )  # fmt: skip
        await members.write_labels(tx, {one.person_id: {"vip", "coat"}, other.person_id: {"vip"}})
        await members.write_labels(tx, {one.person_id: {"shoes", "vip"}, identity.PersonId(new_id()): {"ghost"}})
        assert (await members.shopper(tx, one.member_id)).labels == {"shoes", "vip"}
        assert (await members.shopper(tx, loser.member_id)).labels == {"shoes", "vip"}
        assert (await members.shopper(tx, other.member_id)).labels == {"vip"}
        assert await members.labels(tx, loser.person_id) == {"shoes", "vip"}
        await members.write_labels(tx, {one.person_id: ()})
        assert await members.labels(tx, one.person_id) == frozenset()
        with pytest.raises(members.BadLabel):
            await members.write_labels(tx, {one.person_id: {" "}})


async def test_a_no_to_any_channel_is_a_no_to_all_and_the_history_keeps_each_answer(
    db: Database, brand: Tenant
) -> None:
    async with db.writing(brand) as tx:
        member = await joined(tx)
        who = member.member_id
        tx.told.clear()
        assert await members.give_consent(tx, who, Purpose.MARKETING, Channel.SMS, source="mall", document="v3")
        assert not await members.give_consent(tx, who, Purpose.MARKETING, Channel.SMS, source="till")
        assert await members.give_consent(tx, who, Purpose.MARKETING, Channel.ANY, source="mall")
        assert await members.who_agrees(tx, [who], Purpose.MARKETING, Channel.EMAIL) == {who}
        assert await members.withdraw_consent(tx, who, Purpose.MARKETING, Channel.ANY, source="mall")
        for channel in Channel:
            assert await members.who_agrees(tx, [who], Purpose.MARKETING, channel) == frozenset()
        told = [(type(fact).__name__, getattr(fact, "channel", "")) for fact, _ in tx.told]
        assert told == [
            ("ConsentGiven", "sms"),
            ("ConsentGiven", "any"),
            ("ConsentWithdrawn", "any"),
            ("ConsentWithdrawn", "sms"),
        ]
        first = await members.consent_history(tx, who, PageRequest(limit=3))
        rest = await members.consent_history(tx, who, PageRequest(after=first.next, limit=3))
        assert len(first.items) == 3
        assert [(each.channel, each.given, each.document) for each in rest.items] == [(Channel.SMS, True, "v3")]
        assert rest.next is None
        assert await members.checks(tx) == []
        with pytest.raises(members.NoSuchMember):
            await members.give_consent(tx, members.MemberId(new_id()), Purpose.MARKETING, Channel.SMS, source="mall")


async def test_a_no_to_one_channel_outlives_a_yes_to_any(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        who = (await joined(tx)).member_id
        await members.withdraw_consent(tx, who, Purpose.MARKETING, Channel.SMS, source="sms")
        await members.give_consent(tx, who, Purpose.MARKETING, Channel.ANY, source="mall")
        assert await members.who_agrees(tx, [who], Purpose.MARKETING, Channel.SMS) == frozenset()
        assert await members.who_agrees(tx, [who], Purpose.MARKETING, Channel.WECHAT) == {who}
        assert await members.who_agrees(tx, [who], Purpose.PROFILING, Channel.WECHAT) == frozenset()


async def test_answers_from_many_connections_leave_a_history_that_alternates(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        who = (await joined(tx)).member_id

    async def answer(given: bool) -> bool:  # noqa: FBT001  # the answer itself
        verb = members.give_consent if given else members.withdraw_consent
        async with db.writing(brand) as tx:
            return await verb(tx, who, Purpose.MARKETING, Channel.SMS, source="mall")

    done = await asyncio.gather(*(answer(bool(i % 2)) for i in range(20)))
    async with db.reading(brand) as tx:
        history = (await members.consent_history(tx, who, PageRequest())).items
        assert len(history) == sum(done)
        answers = [each.given for each in history]
        assert all(one != other for one, other in itertools.pairwise(answers))
        assert (await members.consents(tx, who))[0].given == answers[0]


async def test_members_are_listed_by_the_day_they_joined_page_by_page(db: Database, brand: Tenant) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    async with db.writing(brand) as tx:
        stores = await organisation.create_stores(
            tx, [organisation.NewStore(code=f"S{i}", name=f"Store {i}") for i in range(2)]
        )
    made: list[Member] = []
    for i in range(9):
        async with db.writing(brand, now=start + timedelta(days=i // 2)) as tx:
            made.append(await joined(tx, f"C{i}", store_id=stores[i % 2]))
    async with db.writing(brand) as tx:
        await members.write_labels(tx, {made[4].person_id: {"vip"}})
        await members.change_profile(tx, made[5].member_id, ProfileChange(name="王%小明"))
    everyone = [each.member_id for each in sorted(made, key=lambda m: (m.joined_at, m.member_id), reverse=True)]
    even = [each.member_id for each in reversed(made) if each.store_id == stores[0]]
    both = frozenset(stores)

    async with db.reading(brand) as tx:

        async def walk(wanted: MemberFilter) -> list[members.MemberId]:
            seen: list[members.MemberId] = []
            page = PageRequest(limit=2)
            while True:
                got = await members.find(tx, wanted, page)
                seen += [each.member_id for each in got.items]
                if got.next is None:
                    return seen
                page = PageRequest(after=got.next, limit=2)

        virtual = await organisation.virtual(tx)
        assert await walk(MemberFilter()) == everyone
        assert await walk(MemberFilter(store_ids=both)) == everyone
        assert await walk(MemberFilter(store_ids=frozenset({stores[0]}))) == even
        assert await walk(MemberFilter(store_ids=frozenset())) == []
        assert await walk(MemberFilter(guide_id=virtual.guide_id)) == everyone
        assert await walk(MemberFilter(level="gold")) == []
        assert await walk(MemberFilter(label="vip")) == [made[4].member_id]
        assert await walk(MemberFilter(joined_from=start + timedelta(days=4))) == [made[8].member_id]
        assert await walk(MemberFilter(member_no=made[3].member_no)) == [made[3].member_id]
        assert await walk(MemberFilter(name="王%")) == [made[5].member_id]
        assert await walk(MemberFilter(name="王小")) == []
        persons = frozenset({made[1].person_id, made[2].person_id})
        assert set(await walk(MemberFilter(person_ids=persons))) == {made[1].member_id, made[2].member_id}
        out_of_scope = MemberFilter(member_no=made[3].member_no, store_ids=frozenset({stores[0]}))
        assert await walk(out_of_scope) == []
        with pytest.raises(BadCursor):
            await members.find(tx, MemberFilter(), PageRequest(after="nonsense"))
        tx.recorder = []
        await members.find(tx, MemberFilter(), PageRequest())
        assert len(tx.recorder) == 1


async def test_the_doctor_sees_what_does_not_fit(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        member = await joined(tx)
        await members.give_consent(tx, member.member_id, Purpose.MARKETING, Channel.SMS, source="mall")
        assert await members.checks(tx) == []
        await tx.run("update member set level = 'ghost', guide_id = $2 where brand_id = $1", tx.brand, new_id())
        await tx.run("update consent set given = false where brand_id = $1", tx.brand)
        assert {each.check for each in await members.checks(tx)} == {
            "members.binding",
            "members.level",
            "members.consent",
        }


_values = st.one_of(st.none(), st.integers(-5, 60), st.sampled_from(["red", "blue"]))


@settings(max_examples=100, deadline=None)
@given(
    before=st.dictionaries(st.sampled_from(["shoe_size", "colour"]), _values.filter(lambda v: v is not None)),
    change=st.dictionaries(st.sampled_from(["shoe_size", "colour"]), _values),
)
def test_a_change_says_exactly_which_fields_differ(
    before: dict[str, str | int], change: dict[str, str | int | None]
) -> None:
    fields = {"shoe_size": SHOE, "colour": COLOUR}
    profile = Profile(extra={**before})
    try:
        after, changed = rules.changed(profile, ProfileChange(extra={**change}), fields, today=date(2026, 1, 1))
    except members.BadProfile:
        assert isinstance(change.get("shoe_size"), str) or isinstance(change.get("colour"), int)
        return
    expected = {code: value for code, value in {**before, **change}.items() if value is not None}
    assert after.extra == expected
    assert changed == [code for code in sorted({*before, *expected}) if before.get(code) != expected.get(code)]


async def test_a_rule_may_ask_about_every_field_of_a_member(db: Database, brand: Tenant) -> None:
    async with db.writing(brand) as tx:
        member = await joined(tx)
        await members.write_labels(tx, {member.person_id: {"vip"}})
        view = View(members.rule_values(member, await members.labels(tx, member.person_id)))
    assert set(view.values) == {each.name for each in conditions.FIELDS}
    rule = check(
        All(
            [
                Compare("member.level", Is.EQUAL, "basic"),
                Compare("member.store", Is.EQUAL, str(member.store_id)),
                Contains("member.labels", "vip"),
                Not(Known("member.birthday")),
                Ago("member.joined_at", Long.LESS_THAN, 1),
            ]
        )
    )
    assert rule.is_true(view, Asked(tx.now, brand))
