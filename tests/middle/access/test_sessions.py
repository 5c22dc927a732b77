"""Sessions and keys: what they open, how they end, and that they are of one brand alone."""

from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from middle.access.people import Ground
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.ids import BrandId
from midstage.kit.paging import PageRequest
from midstage.middle.access import api as access
from midstage.middle.access import chance
from midstage.middle.organisation import api as organisation

SHOPPER = access.SessionKind.SHOPPER
HOUR = timedelta(hours=1)


async def test_a_shopper_is_found_by_her_token_in_one_statement_and_may_nothing_of_the_staffs(
    db: Database, tenant: Tenant
) -> None:
    person, member = uuid4(), uuid4()
    async with db.writing(tenant) as tx:
        token = await access.open_session(tx, SHOPPER, person, member_id=member, lasts=HOUR)
        tx.recorder = []
        session = await access.find_session(tx, token)
        assert len(tx.recorder) == 1
    assert (session.kind, session.brand, session.subject_id, session.member_id) == (
        SHOPPER,
        tenant.brand,
        person,
        member,
    )
    assert (session.permissions, session.scope, session.held) == (frozenset(), organisation.NOTHING, ())
    for permission in access.PERMISSIONS:
        with pytest.raises(access.NotPermitted):
            access.need(session, permission)


async def test_a_session_ends_by_time_by_sign_out_and_all_at_once(db: Database, tenant: Tenant) -> None:
    person, now = uuid4(), utc_now()
    async with db.writing(tenant, now=now) as tx:
        tokens = [await access.open_session(tx, SHOPPER, person, lasts=HOUR) for _ in range(4)]
        first, second, third, fourth = [(await access.find_session(tx, token)).session_id for token in tokens]
        assert await access.revoke_session(tx, first)
        assert not await access.revoke_session(tx, first)
        assert await access.revoke_all(tx, person, keep=second) == 2
        for token in (tokens[0], tokens[2], tokens[3]):
            with pytest.raises(access.SessionUnknown):
                await access.find_session(tx, token)
        assert [one.session_id for one in await access.sessions(tx, person)] == [second]
        assert {third, fourth}.isdisjoint({second})
    async with db.writing(tenant, now=now + HOUR) as tx:
        with pytest.raises(access.SessionUnknown):
            await access.find_session(tx, tokens[1])
        assert await access.forget_old(tx) == 1
        assert await access.forget_old(tx) == 0


async def test_a_token_of_one_brand_is_nothing_in_another(db: Database, tenant: Tenant, ground: Ground) -> None:
    async with db.writing(tenant) as tx:
        token = await access.open_session(tx, SHOPPER, uuid4(), lasts=HOUR)
    async with db.reading(ground.tenant) as tx:
        with pytest.raises(access.SessionUnknown):
            await access.find_session(tx, token)


async def test_a_session_lasts_a_sensible_time(db: Database, tenant: Tenant) -> None:
    async with db.writing(tenant) as tx:
        for lasts in (timedelta(0), timedelta(days=-1), timedelta(days=367)):
            with pytest.raises(access.BadLasting):
                await access.open_session(tx, SHOPPER, uuid4(), lasts=lasts)


async def test_a_key_opens_what_it_was_made_for_until_it_ends(db: Database, ground: Ground) -> None:
    now = utc_now()
    scope = organisation.Scope(operators=frozenset({ground.agent}))
    held = frozenset({"orders.read", "inventory.read"})
    async with db.writing(ground.tenant, now=now) as tx:
        key_id, secret = await access.create_key(tx, "ERP", held, scope, expires_at=now + HOUR)
        tx.recorder = []
        session = await access.find_key(tx, secret)
        assert len(tx.recorder) == 1
        assert (session.kind, session.subject_id, session.permissions) == (access.SessionKind.APP, key_id, held)
        assert access.need(session, "orders.read") == scope
        with pytest.raises(access.NotPermitted):
            access.need(session, "orders.write")
        assert [one.name for one in await access.keys(tx)] == ["ERP"]
        assert secret not in str(tx.told) + str(tx.noted)
    async with db.reading(ground.tenant, now=now + HOUR) as tx:
        with pytest.raises(access.SessionUnknown):
            await access.find_key(tx, secret)


async def test_a_revoked_key_opens_nothing(db: Database, ground: Ground) -> None:
    async with db.writing(ground.tenant) as tx:
        key_id, secret = await access.create_key(tx, "ERP", frozenset({"orders.read"}), organisation.EVERYTHING)
        await access.revoke_key(tx, key_id)
        with pytest.raises(access.SessionUnknown):
            await access.find_key(tx, secret)
        for unknown in (key_id, uuid4()):
            with pytest.raises(access.NoSuchKey):
                await access.revoke_key(tx, unknown)
        assert [type(fact) for fact, _ in tx.told] == [access.KeyCreated, access.KeyRevoked]


async def test_a_key_that_makes_no_sense_is_not_made(db: Database, ground: Ground) -> None:
    read, everything = frozenset({"orders.read"}), organisation.EVERYTHING
    async with db.writing(ground.tenant) as tx:
        for name, held, refusal in (
            (" ", read, access.BadKey),
            ("x" * 101, read, access.BadKey),
            ("ERP", frozenset[str](), access.BadKey),
            ("ERP", frozenset({"orders.fly"}), access.NoSuchPermission),
        ):
            with pytest.raises(refusal):
                await access.create_key(tx, name, held, everything)
        with pytest.raises(access.BadKey):
            await access.create_key(tx, "ERP", read, everything, expires_at=tx.now)
        assert await access.keys(tx) == []


async def test_keys_are_listed_by_pages_the_newest_first(db: Database, ground: Ground) -> None:
    async with db.writing(ground.tenant) as tx:
        for number in range(5):
            await access.create_key(tx, f"k{number}", frozenset({"orders.read"}), organisation.EVERYTHING)
        names: list[str] = []
        after: str | None = None
        while True:
            page = await access.list_keys(tx, PageRequest(after, 2))
            names += [one.name for one in page.items]
            after = page.next
            if after is None:
                break
    assert names == ["k4", "k3", "k2", "k1", "k0"]


@settings(max_examples=100, deadline=None)
@given(st.integers(min_value=0, max_value=2**31 - 1))
def test_a_token_tells_its_brand(brand: int) -> None:
    assert access.brand_of_token(chance.new_token(BrandId(brand))) == brand


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60) | st.from_regex(r"[0-9a-zA-Z٣]{0,9}\.[\w-]{41,45}", fullmatch=True))
def test_anything_else_is_taken_for_no_token_or_for_one_of_a_possible_brand(text: str) -> None:
    brand = access.brand_of_token(text)
    assert brand is None or 0 <= brand < 2**31


async def test_a_key_gets_a_new_secret_without_a_gap(db: Database, ground: Ground) -> None:
    now = utc_now()
    async with db.writing(ground.tenant, now=now) as tx:
        key_id, first = await access.create_key(tx, "ERP", frozenset({"orders.read"}), organisation.EVERYTHING)
        second = await access.rotate_key(tx, key_id, overlap=HOUR)
        assert first != second
        for secret in (first, second):
            assert (await access.find_key(tx, secret)).subject_id == key_id
    async with db.writing(ground.tenant, now=now + HOUR) as tx:
        with pytest.raises(access.SessionUnknown):
            await access.find_key(tx, first)
        assert (await access.find_key(tx, second)).subject_id == key_id
        third = await access.rotate_key(tx, key_id, overlap=timedelta(0))
        with pytest.raises(access.SessionUnknown):
            await access.find_key(tx, second)
        assert (await access.find_key(tx, third)).subject_id == key_id
        await access.revoke_key(tx, key_id)
        with pytest.raises(access.NoSuchKey):
            await access.rotate_key(tx, key_id, overlap=HOUR)
        with pytest.raises(access.BadOverlap):
            await access.rotate_key(tx, key_id, overlap=timedelta(days=31))


async def test_a_list_of_keys_shows_how_each_begins_and_when_it_was_used(db: Database, ground: Ground) -> None:
    async with db.writing(ground.tenant) as tx:
        key_id, secret = await access.create_key(tx, "ERP", frozenset({"orders.read"}), organisation.EVERYTHING)
        await access.note_key_used(tx, key_id)
        [key] = await access.keys(tx)
        assert secret.startswith("mst_live_")
        assert secret.startswith(key.prefix)
        assert len(secret) - len(key.prefix) == 39
        assert key.last_used_at == tx.now
        assert secret not in repr(key)


async def test_nobody_gets_to_know_a_secret_that_may_do_more_than_they(db: Database, ground: Ground) -> None:
    async with db.writing(ground.tenant) as tx:
        mighty, _ = await access.create_key(
            tx, "all", frozenset({"access.write", "orders.refund"}), organisation.EVERYTHING
        )
        _, secret = await access.create_key(tx, "few", frozenset({"access.write"}), organisation.EVERYTHING)
        few = await access.find_key(tx, secret)
        with pytest.raises(access.BeyondOwn):
            await access.rotate_key(tx, mighty, overlap=HOUR, by=few)
