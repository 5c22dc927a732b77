"""A sandbox brand: its keys say so, its money is play money, and it can be emptied; a real one never is."""

import itertools
from typing import Any

import httpx
import pytest_asyncio

from fronts.open.test_keys import Program
from midstage import setup, wiring
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import new_id
from midstage.kit.settings import read_settings
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from shop import Shop

_numbers = itertools.count(1)
SETTINGS = read_settings({})
PASSWORD = "correct horse battery staple"


class Trial:
    """A sandbox brand with a program that may do everything in it."""

    database: Database
    tenant: Tenant
    program: Program


@pytest_asyncio.fixture(loop_scope="session")
async def trial(db: Database, http: httpx.AsyncClient) -> Trial:
    wiring.connect_outside()
    made = Trial()
    made.database = db
    code = f"trial-{next(_numbers)}-{new_id().hex[-8:]}"
    brand = setup.FirstBrand(code=code, name="试用", currency="CNY", zone="Asia/Shanghai", sandbox=True)
    made.tenant = await setup.begin_brand(db, brand, login="admin", name="管理员", password=PASSWORD)
    await setup.furnish_sandbox(db, made.tenant, SETTINGS)

    async def work(tx: Tx) -> access.Token:
        return (await access.create_key(tx, "ERP", frozenset(access.PERMISSIONS), organisation.EVERYTHING))[1]

    made.program = Program(http, await db.attempt(made.tenant, work))
    return made


async def _reset(trial: Trial, key: str = "") -> dict[str, Any]:
    headers = {"Idempotency-Key": key or str(new_id())}
    answer = await trial.program.call("POST", "/open/sandbox/reset", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_sandbox_says_that_it_is_one(trial: Trial) -> None:
    assert trial.tenant.sandbox
    assert trial.program.secret.startswith("mst_test_")
    me = await trial.program.get("/open/me")
    assert me["sandbox"] is True
    assert len((await trial.program.get("/console/products"))["items"]) == 3


async def test_it_is_emptied_and_furnished_anew(trial: Trial) -> None:
    erp = trial.program
    before = await erp.get("/console/stores")
    unit = {"code": "N", "name": "北区"}
    assert (await erp.call("POST", "/console/units", json=unit)).status_code == 201
    hook: dict[str, Any] = {"url": "https://hooks.invalid/", "types": []}
    assert (await erp.call("POST", "/open/webhooks", json=hook)).status_code == 201
    furnished = await _reset(trial, "again")
    after = await erp.get("/console/stores")
    shown = {one["store_id"] for one in after["items"]}
    assert set(furnished["store_ids"]) <= shown
    assert not {one["store_id"] for one in before["items"]} & set(furnished["store_ids"])
    assert "北区" not in str(await erp.get("/console/units"))
    assert len(await erp.get("/open/webhooks")) == 1
    assert "empty" in {one["action"] for one in (await erp.get("/console/audit", subject_type="brand"))["items"]}
    # The same key again is the same reset.
    assert await _reset(trial, "again") == furnished
    assert {one["store_id"] for one in (await erp.get("/console/stores"))["items"]} == shown


async def test_somebody_who_can_sign_in_still_can(trial: Trial) -> None:
    await _reset(trial)
    wish = {"brand": trial.tenant.code, "login": "admin", "password": PASSWORD}
    assert (await trial.program.http.post("/v1/console/sign-in", json=wish)).status_code == 200


async def test_the_doctor_finds_nothing_after_a_reset(trial: Trial) -> None:
    await _reset(trial)
    async with trial.database.reading(trial.tenant, snapshot=True) as tx:
        for module, check in wiring.CHECKS.items():
            assert await check(tx) == [], module


async def test_a_sandbox_takes_play_money_alone(trial: Trial) -> None:
    merchant: dict[str, Any] = {"provider": "real", "settings": {}, "secrets": {}}
    refused = await trial.program.refused("PUT", "/console/payments/merchants", json=merchant)
    assert refused == (403, "real_money")


async def test_a_real_brand_is_never_emptied(shop: Shop, http: httpx.AsyncClient) -> None:
    placed = await shop.place(1)

    async def work(tx: Tx) -> access.Token:
        return (await access.create_key(tx, "ERP", frozenset(access.PERMISSIONS), organisation.EVERYTHING))[1]

    erp = Program(http, await shop.database.attempt(shop.tenant, work))
    assert erp.secret.startswith("mst_live_")
    assert await erp.refused("POST", "/open/sandbox/reset") == (403, "not_sandbox")
    assert (await shop.order(placed.order.order_id)).number == placed.order.number
