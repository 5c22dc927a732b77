"""What the simulated message service was given, for whoever tries the product out, with MIDSTAGE_SANDBOX or a sandbox brand."""

from datetime import datetime
from typing import Protocol, runtime_checkable

import msgspec
from litestar import get
from litestar.params import FromPath

from midstage.fronts._http.desk import AnyRequest, desk_of
from midstage.kit.clock import Tenant
from midstage.kit.refusals import NotFound, Text


class NothingSent(NotFound):
    """No message went to this phone, or messages are not simulated here."""

    text = Text(
        zh="没有发往该手机号的模拟短信，或此处未启用沙箱",
        en="No simulated message went to this phone, or there is no sandbox here.",
    )


class Seen(Protocol):
    """A message that was kept instead of sent."""

    @property
    def phone(self) -> str: ...

    @property
    def code(self) -> str: ...

    @property
    def purpose(self) -> str: ...

    @property
    def at(self) -> datetime: ...


@runtime_checkable
class Shows(Protocol):
    """A message port that shows what it was given."""

    async def last(self, tenant: Tenant, phone: str) -> Seen | None: ...


class MessageView(msgspec.Struct, frozen=True):
    """The last simulated message to a phone."""

    phone: str
    code: str
    purpose: str
    at: datetime
    simulated: bool = True


@get("/{brand:str}/messages/{phone:str}", include_in_schema=False)
async def last_message(brand: FromPath[str], phone: FromPath[str], request: AnyRequest) -> MessageView:
    """The last message to a phone (with its country, as +8613800000000)."""
    desk = desk_of(request)
    tenant = await desk.tenant(brand)
    if not (desk.settings.sandbox or tenant.sandbox) or not isinstance(desk.messages, Shows):
        raise NothingSent
    found = await desk.messages.last(tenant, phone)
    if found is None:
        raise NothingSent
    return MessageView(found.phone, found.code, found.purpose, found.at)
