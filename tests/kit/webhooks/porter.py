"""A program that runs a courier until it is killed: DATABASE_URL, then the home that has the sealing key."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from midstage.kit import sealing
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.kit.ids import BrandId
from midstage.kit.settings import Settings
from midstage.kit.webhooks import api as webhooks


async def main(url: str, home: Path) -> None:
    sealing.open_keys(Settings(home=home))
    database = await Database.open(url, pool_size=4)

    async def tenant_of(brand: BrandId) -> Tenant:
        return Tenant(brand, "post")

    async with webhooks.Outside(loopback=True, timeout_s=2) as outside:
        # A short lease, so that who is killed is not missed for long.
        courier = webhooks.Courier(database, tenant_of, outside, lease=timedelta(seconds=1))
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await courier.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
