"""Personal data is handed out whole and lost whole; the books stay, and the doctor finds nothing."""

import asyncio
import io
import itertools
import zipfile
from collections.abc import AsyncIterator, Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import httpx
import pytest
import pytest_asyncio

from midstage.adapters.sandbox_messages.api import SandboxMessages
from midstage.app import create_app
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.settings import read_settings
from midstage.middle.access import api as access
from midstage.middle.identity import api as identity
from midstage.middle.identity.api import Identifier, IdentifierKind
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders
from midstage.middle.organisation import api as organisation
from midstage.privacy import Privacy, packed
from midstage.wiring import CHECKS, SCHEDULES, job_handlers
from shop import Shop, open_shop

NOBODY = "nobody"
PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


class Names:
    """What names her, in every form in which it is written; nobody else in this database is called so."""

    def __init__(self) -> None:
        own = new_id().hex[-8:]
        self.name, self.street, self.note = f"司马玲珑{own}", f"霓虹巷 {own} 号", f"请交给司马玲珑{own}"
        self.phone = f"+86139{int(own, 16) % 10**8:08d}"
        self.card, self.old_no = f"VIP-{own.upper()}-77", f"ALT-{own.upper()}"
        self.openid, self.mail = f"oX_openid_{own}", f"ling.{own}@long.example"

    @property
    def words(self) -> list[str]:
        return [
            self.name, self.street, self.note, self.phone.removeprefix("+86"), self.card, self.old_no,
            self.openid, self.mail,
        ]  # fmt: skip


class Office:
    """A shop over HTTP, with somebody of the staff, and what does requests about personal data."""

    shop: Shop
    http: httpx.AsyncClient
    home: Path
    privacy: Privacy
    staff: str
    password: access.PasswordHash

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, status: int = 200
    ) -> Any:
        headers = {"Idempotency-Key": str(new_id())}
        if token != NOBODY:
            headers["Authorization"] = f"Bearer {token or self.staff}"
        answer = await self.http.request(method, f"/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content and "json" in answer.headers["content-type"] else answer.content

    async def somebody(self, role: str = "brand_admin", scope: organisation.Scope = organisation.EVERYTHING) -> str:
        """Somebody of the staff who signed in."""
        name = f"p{next(_numbers)}"

        async def work(tx: Tx) -> access.Token:
            hired = await organisation.hire(tx, organisation.NewStaff(code=name, name="王芳"))
            await access.create_login(tx, hired.staff_id, name, self.password, [access.RoleGrant(role, scope)])
            return await access.open_session(tx, access.SessionKind.STAFF, hired.staff_id, lasts=timedelta(hours=1))

        return await self.shop.database.attempt(self.shop.tenant, work)

    async def request_of(self, request_id: str) -> members.PrivacyRequest:
        async with self.shop.database.reading(self.shop.tenant) as tx:
            return await members.privacy_request(tx, members.RequestId(UUID(request_id)))

    async def do(self, request: dict[str, Any]) -> members.PrivacyRequest:
        """What the job does."""
        found = await self.request_of(request["request_id"])
        assert await self.privacy.do(self.shop.tenant, found.request_id)
        return await self.request_of(request["request_id"])

    async def found_in_tables(self, words: Sequence[str]) -> list[str]:
        """Every table, every column: where one of the words stands, as text or as bytes."""
        async with self.shop.database.connection() as link:
            tables = [
                row[0]
                for row in await link.fetch(
                    "select c.relname from pg_class c where c.relkind = 'r' and c.relnamespace = 'public'::regnamespace"
                )
            ]
            found: list[str] = []
            for table in tables:
                for word in words:
                    count = await link.fetchval(
                        f'select count(*) from "{table}" t where position($1 in t::text) > 0'
                        " or position($2 in t::text) > 0",
                        word,
                        word.encode().hex(),
                    )
                    found += [f"{table} has {word} in {count} rows"] if count else []
        return found

    def found_in_files(self, words: Sequence[str]) -> list[str]:
        found: list[str] = []
        for path in self.home.rglob("*"):
            if path.is_file():
                body = path.read_bytes()
                if zipfile.is_zipfile(path):
                    with zipfile.ZipFile(path) as file:
                        body = b"".join(file.read(name) for name in file.namelist())
                found += [f"{path.name} has {word}" for word in words if word.encode() in body]
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def password() -> access.PasswordHash:
    return await access.hash_password(PASSWORD)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(
    db: Database, tmp_path_factory: pytest.TempPathFactory, password: access.PasswordHash
) -> AsyncIterator[Office]:
    made = Office()
    made.password = password
    made.home = tmp_path_factory.mktemp("home")
    made.shop = await open_shop(db, products=3)
    settings = read_settings({"MIDSTAGE_HOME": str(made.home), "MIDSTAGE_SANDBOX": "true"})
    made.privacy = Privacy(db, made.home, SandboxMessages(made.home).forget)
    app = create_app(settings, database=db)
    ready, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        async with app.lifespan():
            ready.set()
            await over.wait()

    life = asyncio.create_task(live())
    await asyncio.wait({asyncio.create_task(ready.wait()), life}, return_when=asyncio.FIRST_COMPLETED)
    transport = httpx.ASGITransport(app=cast("Any", app))
    async with httpx.AsyncClient(transport=transport, base_url="http://privacy.test") as made.http:
        made.staff = await made.somebody()
        yield made
    over.set()
    await life


class Her(Names):
    """The member whose data it is, in every corner of the shop."""

    member: members.Member
    token: str
    order: orders.PlacedOrder


@pytest_asyncio.fixture(loop_scope="session")
async def her(office: Office) -> Her:
    made, shop, mall = Her(), office.shop, f"/mall/{office.shop.tenant.code}"
    await office.call("POST", f"{mall}/sign-in/code", {"phone": made.phone}, token=NOBODY, status=204)
    sent = await SandboxMessages(office.home).last(shop.tenant, made.phone)
    assert sent is not None
    signed_in = await office.call("POST", f"{mall}/sign-in", {"phone": made.phone, "code": sent.code}, token=NOBODY)
    made.token = signed_in["token"]
    await office.call("PATCH", f"{mall}/me", {"name": made.name, "birthday": "1991-02-03"}, token=made.token)
    wish = {"purpose": "marketing", "channel": "sms", "given": True, "document": "v1"}
    await office.call("PUT", f"{mall}/me/consents", wish, token=made.token)
    await office.call("PUT", f"{mall}/cart/lines/{shop.skus[1]}", {"quantity_milli": 1000}, token=made.token)
    await office.call("PUT", f"{mall}/favourites/{shop.products[2].product_id}", token=made.token, status=204)

    async def more(tx: Tx) -> None:
        found = await identity.attach_and_resolve(
            tx,
            [
                Identifier(IdentifierKind.PHONE, made.phone),
                Identifier(IdentifierKind.CARD, made.card),
                Identifier(IdentifierKind.WECHAT_OPENID, made.openid, "wx1"),
                Identifier(IdentifierKind.EMAIL, made.mail),
            ],
            source="test",
        )
        member = await members.member_of(tx, found.person_id)
        assert member is not None
        await members.write_labels(tx, {found.person_id: {"vip"}})
        await members.import_dormant(
            tx, [members.NewDormant(made.old_no, Identifier(IdentifierKind.PHONE, made.phone), "gold", 900, made.name)]
        )

    await members_default(shop)
    await shop.database.attempt(shop.tenant, more)
    await office.call("POST", f"{mall}/me/activate", token=made.token)
    async with shop.database.reading(shop.tenant) as tx:
        made.member = await members.member(tx, members.MemberId(UUID(signed_in["member_id"])))
    address = orders.Address(made.name, made.phone, f"上海市静安区{made.street}", lat=31.2301, lng=121.4501)
    made.order = await shop.place(
        1, 1, member_id=made.member.member_id, note=made.note, delivery=orders.Delivery(orders.Method.DELIVERY, address)
    )
    await shop.pay(made.order)
    path = f"/console/members/{made.member.member_id}"
    await office.call("POST", f"{path}/state", {"state": "frozen", "reason": f"{made.name} 来电"})
    await office.call("POST", f"{path}/state", {"state": "active", "reason": f"{made.name} 来电"})
    bound = {"reason": f"{made.name} 搬家", "store_id": str(shop.stores[1].store_id)}
    await office.call("POST", f"{path}/bind", bound)
    await office.call("POST", f"{path}/identifiers", {"kind": "card", "value": f"{made.card}-2"}, status=201)
    hand_over = f"/console/orders/{made.order.order.order_id}/hand-over"
    await office.call("POST", hand_over, {})
    refund = {"reason": f"{made.name} 不喜欢", "lines": [{"line_no": 1, "quantity_milli": 1000}]}
    await office.call("POST", f"/console/orders/{made.order.order.order_id}/refund", refund, status=201)
    return made


async def members_default(shop: Shop) -> None:
    async def work(tx: Tx) -> None:
        await members.default_levels(tx)

    await shop.database.attempt(shop.tenant, work)


async def test_erasure_loses_her_in_every_table_and_file_and_keeps_the_books(office: Office, her: Her) -> None:
    before = await office.shop.detail(her.order.order.order_id)
    assert {one.split()[0] for one in await office.found_in_tables(her.words)} >= {
        "member", "identifier", "sales_order", "idempotency", "member_binding", "order_refund", "refund",
        "dormant_member",
    }  # fmt: skip
    assert office.found_in_files(her.words) != []
    exported = await office.call("POST", f"/console/members/{her.member.member_id}/export", status=202)
    await office.do(exported)

    asked = await office.call("POST", f"/console/members/{her.member.member_id}/erasure", {}, status=202)
    done = await office.do(asked)

    assert await office.found_in_tables(her.words) == []
    assert office.found_in_files(her.words) == []
    assert done.state is members.RequestState.DONE
    assert done.proof["tables"]["member"] == 1
    assert done.proof["tables"]["identifier"] == 6
    assert done.proof["answers"] > 0
    assert (done.proof["files"], done.proof["messages"]) == (1, 1)
    after = await office.shop.detail(her.order.order.order_id)
    assert after.lines == before.lines
    assert (after.order.paid_minor, after.order.refunded_minor) == (
        before.order.paid_minor,
        before.order.refunded_minor,
    )
    assert after.order.member_id == her.member.member_id
    assert after.order.delivery.address is None
    async with office.shop.database.reading(office.shop.tenant, snapshot=True) as tx:
        assert [finding for check in CHECKS.values() for finding in await check(tx)] == []


async def test_her_session_is_over_and_her_phone_joins_as_somebody_new(office: Office, her: Her) -> None:
    mall = f"/mall/{office.shop.tenant.code}"
    asked = await office.call("POST", f"/console/members/{her.member.member_id}/erasure", {}, status=202)
    await office.do(asked)
    await office.call("GET", f"{mall}/me", token=her.token, status=401)
    again = await office.shop.new_member(her.phone)
    assert again.person_id != her.member.person_id
    assert (again.joined, again.name, again.level) == (True, None, "basic")
    async with office.shop.database.reading(office.shop.tenant) as tx:
        gone = await members.member(tx, her.member.member_id)
        assert (gone.erased, gone.state, gone.name) == (True, members.MemberState.CLOSED, None)
        with pytest.raises(members.AlreadyErased):
            await members.change_profile(tx, gone.member_id, members.ProfileChange(name="x"))
        with pytest.raises(members.AlreadyErased):
            await members.change_state(tx, gone.member_id, members.MemberState.ACTIVE, reason="x")
    path = f"/console/members/{her.member.member_id}"
    await office.call("POST", f"{path}/erasure", {}, status=409)


async def test_others_lose_nothing(office: Office, her: Her) -> None:
    other = office.shop.member

    async def write(tx: Tx) -> None:
        await members.change_profile(tx, other.member_id, members.ProfileChange(name="李雷", birthday=date(1990, 1, 1)))

    await office.shop.do(write)
    await office.call("POST", f"/mall/{office.shop.tenant.code}/me/export", token=office.shop.token, status=202)
    async with office.shop.database.connection() as link:
        answers = await link.fetchval(
            "select count(*) from idempotency where principal = $1 and answer <> 'null'", other.member_id
        )
    asked = await office.call("POST", f"/console/members/{her.member.member_id}/erasure", {}, status=202)
    await office.do(asked)
    async with office.shop.database.connection() as link:
        assert answers == await link.fetchval(
            "select count(*) from idempotency where principal = $1 and answer <> 'null'", other.member_id
        )
    async with office.shop.database.reading(office.shop.tenant) as tx:
        assert (await members.member(tx, other.member_id)).name == "李雷"
        assert len(await identity.identifiers_of(tx, other.person_id)) == 1
    await office.call("GET", f"/mall/{office.shop.tenant.code}/me", token=office.shop.token)


async def test_an_export_has_everything_and_is_for_who_asked_alone(office: Office, her: Her) -> None:
    asked = await office.call("POST", f"/console/members/{her.member.member_id}/export", status=202)
    path = f"/console/privacy/requests/{asked['request_id']}/file"
    await office.call("GET", path, status=409)
    done = await office.do(asked)
    assert done.expires_at is not None
    assert done.ended_at is not None
    assert done.expires_at - done.ended_at == timedelta(days=7)
    body = await office.call("GET", path)
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        whole = file.read("export.json").decode()
        assert {"export.json", "orders-orders.csv", "identity-identifiers.csv", "members-memberships.csv"} <= set(
            file.namelist()
        )
        assert her.street in file.read("orders-orders.csv").decode()
    for word in (*her.words, "1991-02-03"):
        assert word in whole, word
    assert [one for one in (office.home / "exports").rglob("*.zip") if one.stat().st_mode & 0o077] == []
    await office.call("GET", path, token=await office.somebody(), status=404)
    await office.call(
        "GET", f"/mall/{office.shop.tenant.code}/me/privacy/{asked['request_id']}/file", token=her.token, status=404
    )


async def test_a_shopper_asks_for_her_own_and_gets_nobody_elses(office: Office, her: Her) -> None:
    mall = f"/mall/{office.shop.tenant.code}"
    asked = await office.call("POST", f"{mall}/me/export", token=her.token, status=202)
    await office.call("POST", f"{mall}/me/export", token=her.token, status=409)
    await office.do(asked)
    body = await office.call("GET", f"{mall}/me/privacy/{asked['request_id']}/file", token=her.token)
    assert zipfile.is_zipfile(io.BytesIO(body))
    await office.call("GET", f"{mall}/me/privacy/{asked['request_id']}/file", token=office.shop.token, status=404)
    mine = await office.call("GET", f"{mall}/me/privacy", token=her.token)
    assert [one["state"] for one in mine["items"]] == ["done"]
    others = (await office.call("GET", f"{mall}/me/privacy", token=office.shop.token))["items"]
    assert asked["request_id"] not in {one["request_id"] for one in others}


async def test_a_file_is_kept_for_seven_days(office: Office, her: Her) -> None:
    mall = f"/mall/{office.shop.tenant.code}"
    asked = await office.call("POST", f"{mall}/me/export", token=her.token, status=202)
    await office.do(asked)
    await office.privacy.do_due(office.shop.tenant, now=utc_now() + timedelta(days=6))
    assert list((office.home / "exports").rglob(f"{asked['request_id']}.zip")) != []
    await office.privacy.do_due(office.shop.tenant, now=utc_now() + timedelta(days=7, minutes=1))
    assert list((office.home / "exports").rglob(f"{asked['request_id']}.zip")) == []
    await office.call("GET", f"{mall}/me/privacy/{asked['request_id']}/file", token=her.token, status=404)


async def test_a_shopper_has_days_to_call_it_off(office: Office, her: Her) -> None:
    mall = f"/mall/{office.shop.tenant.code}"
    asked = await office.call("POST", f"{mall}/me/erasure", token=her.token, status=202)
    assert asked["state"] == "cooling"
    assert not await office.privacy.do(office.shop.tenant, (await office.request_of(asked["request_id"])).request_id)
    assert await office.privacy.do_due(office.shop.tenant, now=utc_now() + timedelta(days=6)) == 0
    off = await office.call("POST", f"{mall}/me/privacy/{asked['request_id']}/call-off", token=her.token)
    assert off["state"] == "called_off"
    await office.call("POST", f"{mall}/me/privacy/{asked['request_id']}/call-off", token=her.token, status=409)
    assert await office.privacy.do_due(office.shop.tenant, now=utc_now() + timedelta(days=8)) == 0
    again = await office.call("POST", f"{mall}/me/erasure", token=her.token, status=202)
    assert await office.privacy.do_due(office.shop.tenant, now=utc_now() + timedelta(days=8)) == 1
    assert (await office.request_of(again["request_id"])).state is members.RequestState.DONE
    assert await office.found_in_tables(her.words) == []


async def test_an_erasure_waits_for_orders_and_for_no_more_than_thirty_days(office: Office, her: Her) -> None:
    await office.shop.pay(await office.shop.place(1, member_id=her.member.member_id))
    asked = await office.call("POST", f"/console/members/{her.member.member_id}/erasure", {}, status=202)
    request_id = (await office.request_of(asked["request_id"])).request_id
    assert not await office.privacy.do(office.shop.tenant, request_id)
    async with office.shop.database.reading(office.shop.tenant, now=utc_now() + timedelta(days=2)) as tx:
        assert [one.kind for one in await members.late(tx)] == ["members.privacy"]
    assert not await office.privacy.do(office.shop.tenant, request_id, now=utc_now() + timedelta(days=28))
    assert await office.privacy.do(office.shop.tenant, request_id, now=utc_now() + timedelta(days=29, minutes=1))


async def test_staff_needs_somebody_elses_approval_where_the_brand_wants_four_eyes(office: Office, her: Her) -> None:
    async def choose(tx: Tx, *, four_eyes: bool = True) -> None:
        home = await organisation.brand(tx)
        holder = organisation.Holder(organisation.Level.BRAND, home.root_unit_id)
        if four_eyes:
            await organisation.choose(tx, "privacy", holder, {"four_eyes": True})
        else:
            await organisation.unchoose(tx, "privacy", holder)

    await office.shop.database.attempt(office.shop.tenant, choose)
    path = f"/console/members/{her.member.member_id}/erasure"
    await office.call("POST", path, {}, status=403)
    wanted = {"action": "members.erase", "subject": str(her.member.member_id), "reason": "她来电要求"}
    asked = await office.call("POST", "/console/approvals", wanted, status=201)
    await office.call("POST", path, {"approval_id": asked["approval_id"]}, status=403)
    other = await office.somebody()
    await office.call("POST", f"/console/approvals/{asked['approval_id']}/give", {}, token=other)
    await office.call("POST", path, {"approval_id": asked["approval_id"]}, status=202)
    await office.shop.database.attempt(office.shop.tenant, partial(choose, four_eyes=False))


async def test_an_erasure_that_is_begun_again_ends_the_same(office: Office, her: Her) -> None:
    asked = await office.call("POST", f"/console/members/{her.member.member_id}/erasure", {}, status=202)
    request = await office.request_of(asked["request_id"])
    done = await asyncio.gather(*(office.privacy.do(office.shop.tenant, request.request_id) for _ in range(3)))
    assert sum(done) == 1
    assert await office.found_in_tables(her.words) == []
    async with office.shop.database.connection() as link:
        assert (
            await link.fetchval(
                "select count(*) from fact where type = 'MemberErased' and key = $1", her.member.person_id
            )
            == 1
        )


async def test_who_may_not_hand_out_personal_data_does_not(office: Office, her: Her) -> None:
    manager = await office.somebody("store_manager")
    for what in ("export", "erasure"):
        await office.call("POST", f"/console/members/{her.member.member_id}/{what}", {}, token=manager, status=403)
    elsewhere = organisation.Scope(stores=frozenset({office.shop.stores[0].store_id}))
    far = await office.somebody("brand_operations", elsewhere)
    for what in ("export", "erasure"):
        await office.call("POST", f"/console/members/{her.member.member_id}/{what}", {}, token=far, status=404)


def test_the_jobs_know_what_to_do(tmp_path: Path) -> None:
    async def none() -> list[Any]:
        return []

    settings = read_settings({"MIDSTAGE_HOME": str(tmp_path)})
    handlers = job_handlers(cast("Any", None), settings, none)
    assert {one.name for one in SCHEDULES} <= handlers.keys()
    assert {members.PRIVACY_JOB, members.HANDOVER_JOB} <= handlers.keys()


def test_a_file_holds_each_list_as_a_table_that_a_spreadsheet_does_not_run() -> None:
    body = packed({"orders": {"orders": [{"note": "=1+1", "lines": [1]}, {"total": 3}], "cart": []}, "me": {"x": 1}})
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        assert file.namelist() == ["export.json", "orders-orders.csv"]
        assert file.read("orders-orders.csv").decode("utf-8-sig").splitlines() == [
            "note,lines,total",
            "'=1+1,[1],",
            ",,3",
        ]
