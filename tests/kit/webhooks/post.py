"""A brand whose facts go outside, on a clock that can be moved."""

from datetime import datetime, timedelta
from typing import ClassVar
from uuid import UUID

import msgspec

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.facts import Fact
from midstage.kit.facts.sequencer import Sequencer
from midstage.kit.ids import BrandId
from midstage.kit.paging import PageRequest
from midstage.kit.webhooks import api as webhooks


class ParcelMoved(Fact, frozen=True):
    """A fact of these tests."""

    subject: ClassVar[str] = "parcel_id"
    parcel_id: UUID
    nth: int


class Post:
    """A brand with short ways to tell facts and to send them."""

    def __init__(self, database: Database, tenant: Tenant, outside: webhooks.Outside) -> None:
        self.database = database
        self.tenant = tenant
        self.outside = outside
        self.ahead = timedelta(0)

    def now(self) -> datetime:
        return utc_now() + self.ahead

    def courier(self, *, lease: timedelta = timedelta(seconds=30), at_once: int = 8) -> webhooks.Courier:
        return webhooks.Courier(
            self.database, self.tenant_of, self.outside, lease=lease, at_once=at_once, clock=self.now
        )

    async def tenant_of(self, _: BrandId) -> Tenant:
        return self.tenant

    async def make(self, url: str, *types: str) -> tuple[webhooks.EndpointId, str]:
        async with self.database.writing(self.tenant) as tx:
            return await webhooks.make(tx, webhooks.EndpointDraft(url, types), loopback=True)

    async def tell(self, *strokes: tuple[UUID, int]) -> None:
        """Tell facts and number them."""
        async with self.database.writing(self.tenant) as tx:
            for parcel_id, nth in strokes:
                tx.tell(ParcelMoved(parcel_id=parcel_id, nth=nth))
        await self.number()

    async def number(self) -> None:
        sequencer = Sequencer(self.database, name="post")
        while await sequencer.number() != 0:
            pass

    async def send(self, *, rounds: int = 20) -> None:
        """Turns until nothing is to be sent at this moment."""
        courier = self.courier()
        for _ in range(rounds):
            if not await courier.round():
                return
        raise AssertionError("there is no end to it")

    async def endpoint(self, endpoint_id: webhooks.EndpointId) -> webhooks.Webhook:
        async with self.database.reading(self.tenant, now=self.now()) as tx:
            return await webhooks.endpoint(tx, endpoint_id)

    async def deliveries(self, endpoint_id: webhooks.EndpointId) -> list[webhooks.WebhookDelivery]:
        async with self.database.reading(self.tenant) as tx:
            return (await webhooks.deliveries(tx, endpoint_id, PageRequest(limit=200))).items[::-1]

    async def findings(self) -> list[str]:
        async with self.database.reading(self.tenant) as tx:
            return [found.check for found in await webhooks.checks(tx)]

    def draft(self, of: webhooks.Webhook, **changes: object) -> webhooks.EndpointDraft:
        return msgspec.structs.replace(webhooks.EndpointDraft(of.url, of.types, of.note, of.state), **changes)
