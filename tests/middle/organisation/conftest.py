"""A brand of each test's own, with its root, operator and virtual store."""

from uuid import uuid4

import pytest_asyncio

from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.middle.organisation import api as organisation


@pytest_asyncio.fixture(loop_scope="session")
async def brand(db: Database) -> Tenant:
    return await organisation.create_brand(
        db, code=f"b{uuid4().hex[:12]}", name="云织", currency="CNY", zone="Asia/Shanghai"
    )
