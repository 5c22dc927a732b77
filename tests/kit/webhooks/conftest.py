"""A brand whose facts go outside, and somebody who gets them."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest
import pytest_asyncio

from kit.webhooks.post import Post
from kit.webhooks.receiver import Receiver
from midstage.kit import sealing
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.kit.settings import Settings
from midstage.kit.webhooks import api as webhooks


@pytest.fixture(autouse=True)
def _key(tmp_path_factory: pytest.TempPathFactory) -> None:
    sealing.open_keys(Settings(home=Path(tmp_path_factory.mktemp("home"))))


@pytest_asyncio.fixture(loop_scope="session")
async def post(own_db: Database, tenant: Tenant) -> AsyncIterator[Post]:
    async with webhooks.Outside(loopback=True, timeout_s=1.0) as outside:
        yield Post(own_db, tenant, outside)


@pytest_asyncio.fixture(loop_scope="session")
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as made:
        yield made


@pytest.fixture
def parcel() -> UUID:
    return new_id()
