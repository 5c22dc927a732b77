"""The first brand of an empty database, by function and by command."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation
from midstage.setup import FirstBrand, begin_brand

PASSWORD = "correct horse battery staple"


def _brand() -> FirstBrand:
    return FirstBrand(code=f"b{new_id().hex[-10:]}", name="小满", currency="CNY", zone="Asia/Shanghai")


async def test_a_brand_begins_with_somebody_who_may_do_everything(db: Database) -> None:
    brand = _brand()
    tenant = await begin_brand(db, brand, login="Chief", name="王芳", password=PASSWORD)
    token = (await access.sign_in(db, tenant, "chief", PASSWORD)).token
    async with db.reading(tenant) as tx:
        session = await access.find_session(tx, token)
        assert (await organisation.brand(tx)).name == "小满"
    assert session.permissions == frozenset(access.PERMISSIONS)
    assert session.scope == organisation.EVERYTHING


async def test_a_brand_that_has_an_administrator_is_not_begun_again(db: Database) -> None:
    brand = _brand()
    tenant = await begin_brand(db, brand, login="chief", name="王芳", password=PASSWORD)
    with pytest.raises(organisation.BrandCodeTaken):
        await begin_brand(db, brand, login="thief", name="贼", password=PASSWORD)
    async with db.reading(tenant) as tx:
        assert [login.name for login in await access.logins(tx)] == ["chief"]


async def test_what_was_begun_by_half_is_finished_by_the_same_call(db: Database) -> None:
    brand = _brand()
    with pytest.raises(access.BadLogin):
        await begin_brand(db, brand, login="?", name="王芳", password=PASSWORD)
    tenant = await begin_brand(db, brand, login="chief", name="王芳", password=PASSWORD)
    async with db.reading(tenant) as tx:
        assert [login.name for login in await access.logins(tx)] == ["chief"]


async def test_nothing_begins_with_a_weak_password(db: Database) -> None:
    brand = _brand()
    with pytest.raises(access.PasswordWeak):
        await begin_brand(db, brand, login="chief", name="王芳", password="123456")
    with pytest.raises(organisation.NoSuchBrand):
        await organisation.tenant_of(db, brand.code)


async def test_the_command_reads_the_password_from_its_input(db: Database, database_url: str, tmp_path: Path) -> None:
    brand = _brand()
    command = [
        sys.executable, "-m", "midstage.cli", "brand", brand.code, "--name", "小满",
        "--admin-login", "chief", "--admin-password-stdin",
    ]  # fmt: skip
    environment = {**os.environ, "MIDSTAGE_DATABASE_URL": database_url, "MIDSTAGE_HOME": str(tmp_path)}

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, env=environment, input=PASSWORD + "\n", capture_output=True, text=True, timeout=60, check=False
        )

    assert run().returncode == 0
    tenant = await organisation.tenant_of(db, brand.code)
    await access.sign_in(db, tenant, "chief", PASSWORD)
    again = run()
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1
    assert PASSWORD not in again.stdout + again.stderr
