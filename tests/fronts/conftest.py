"""The real application over HTTP, without a socket, and the staff who call it."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, cast

import httpx
import pytest
import pytest_asyncio

from midstage.app import create_app
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.settings import read_settings
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from shop import Shop

PASSWORD = "correct horse battery staple"
_numbers = itertools.count(1)


class Somebody:
    """A member of staff who is signed in, with short ways to call the console."""

    def __init__(self, http: httpx.AsyncClient, token: str, staff_id: organisation.StaffId, login: str) -> None:
        self.http = http
        self.staff_id = staff_id
        self.login = login
        self.token = token

    async def call(self, method: str, path: str, *, key: str | None = None, **named: Any) -> httpx.Response:
        """Any call, with a new idempotency key where none is given."""
        headers = {
            "Authorization": f"Bearer {self.token}",
            "Idempotency-Key": key or str(new_id()),
            "Accept-Language": "en",
            **named.pop("headers", {}),
        }
        return await self.http.request(method, f"/v1/console{path}", headers=headers, **named)

    async def get(self, path: str, **query: Any) -> Any:
        """What a GET answers, which must be 200."""
        answer = await self.call("GET", path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, path: str, body: Any = None, *, status: int = 200, method: str = "POST", **named: Any) -> Any:
        """What an unsafe call answers, which must have this status."""
        answer = await self.call(method, path, json={} if body is None else body, **named)
        assert answer.status_code == status, answer.text
        return answer.json() if answer.content else None

    async def refused(self, method: str, path: str, body: Any = None, **named: Any) -> tuple[int, str]:
        """Status and code of a refusal."""
        given: dict[str, Any] = {} if method == "GET" else {"json": {} if body is None else body}
        answer = await self.call(method, path, **given, **named)
        problem = answer.json()
        assert answer.status_code >= 400, answer.text
        assert problem["status"] == answer.status_code
        return answer.status_code, problem["code"]


class Console:
    """The console of one shop."""

    def __init__(self, shop: Shop, http: httpx.AsyncClient, password: access.PasswordHash) -> None:
        self.shop = shop
        self.http = http
        self.password = password

    async def staff(self, role: str = "brand_admin", scope: organisation.Scope | None = None) -> Somebody:
        """Somebody new, signed in, with a role over a part of the organisation (all of it, if not said)."""
        name = f"u{next(_numbers)}"
        grant = access.RoleGrant(role, organisation.EVERYTHING if scope is None else scope)

        async def work(tx: Tx) -> tuple[organisation.StaffId, access.Token]:
            hired = await organisation.hire(tx, organisation.NewStaff(code=name, name="王芳", phone="+8613900000000"))
            await access.create_login(tx, hired.staff_id, name, self.password, [grant])
            token = await access.open_session(tx, access.SessionKind.STAFF, hired.staff_id, lasts=timedelta(hours=1))
            return hired.staff_id, token

        staff_id, token = await self.shop.database.attempt(self.shop.tenant, work)
        return Somebody(self.http, token, staff_id, name)

    async def of_store(self, number: int = 0, role: str = "store_manager") -> Somebody:
        """Somebody who sees one store alone."""
        return await self.staff(role, organisation.Scope(stores=frozenset({self.shop.stores[number].store_id})))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def http(db: Database, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the application on the database of this worker."""
    app = create_app(read_settings({"MIDSTAGE_HOME": str(tmp_path_factory.mktemp("home"))}), database=db)
    transport = httpx.ASGITransport(app=cast("Any", app))
    ready, over = asyncio.Event(), asyncio.Event()

    async def live() -> None:
        # Litestar wants to end in the task that it began in, which pytest does not promise for a fixture.
        async with app.lifespan():
            ready.set()
            await over.wait()

    life = asyncio.create_task(live())
    await asyncio.wait({asyncio.create_task(ready.wait()), life}, return_when=asyncio.FIRST_COMPLETED)
    async with httpx.AsyncClient(transport=transport, base_url="http://midstage.test") as client:
        yield client
    over.set()
    await life


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def password() -> access.PasswordHash:
    return await access.hash_password(PASSWORD)


@pytest_asyncio.fixture(loop_scope="session")
async def console(shop: Shop, http: httpx.AsyncClient, password: access.PasswordHash) -> Console:
    """The console of a shop of its own."""
    return Console(shop, http, password)
