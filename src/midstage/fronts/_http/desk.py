"""The desk that every call comes to: the database, the brands, and who is calling."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Self
from uuid import UUID

import msgspec
from litestar import Request

from midstage.kit.audit import Principal
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, Tx
from midstage.kit.ids import BrandId
from midstage.kit.kept import Kept
from midstage.kit.limits import Limits
from midstage.kit.refusals import Forbidden, Refusal, Text
from midstage.kit.settings import Settings
from midstage.kit.stuck import Stuck
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

AnyRequest = Request[Any, Any, Any]
Late = Callable[[Tx], Awaitable[list[Stuck]]]

# A change in the console is in force at every front within 5 s.
TENANT_TTL_S = 5.0
LANGUAGES = ("zh-CN", "en")


class OtherAudience(Forbidden):
    """The credentials are good, for another front."""

    text = Text(
        zh="该凭证属于“{kind}”，不能用于此入口",
        en="These credentials are those of a {kind}; they do not open this front.",
    )
    kind: str


class Desk:
    """What a process keeps for its calls. One a process, in `app.state.desk`."""

    def __init__(
        self,
        database: Database,
        settings: Settings,
        messages: access.MessagePort,
        *,
        subscribers: Sequence[str] = (),
        late: Sequence[Late] = (),
    ) -> None:
        self.database = database
        self.settings = settings
        self.messages = messages
        self.subscribers = subscribers
        """The names of all who listen to facts."""
        self.late = late
        """What says of each module what waits in it longer than it should."""
        self.limits = Limits(database)
        self.feed_waits = 0
        """How many calls wait for news at this moment."""
        self.heads: Kept[BrandId, int] = Kept(ttl_s=0.2, most=10_000)
        self.notebook = access.Notebook(database)
        self._used: Kept[UUID, bool] = Kept(ttl_s=access.USED_EVERY.total_seconds(), most=10_000)
        self._by_code: Kept[str, Tenant] = Kept(ttl_s=TENANT_TTL_S, most=10_000)
        self._by_brand: Kept[BrandId, Tenant] = Kept(ttl_s=TENANT_TTL_S, most=10_000)

    async def tenant(self, code: str) -> Tenant:
        """The brand of a code. Raises organisation.NoSuchBrand."""
        known = self._by_code.get(code)
        if known is None:
            known = await organisation.tenant_of(self.database, code)
            self._by_code.put(code, known)
        return known

    async def tenant_of_brand(self, brand: BrandId) -> Tenant:
        """The brand of a number. Raises access.SessionUnknown: only credentials carry numbers."""
        known = self._by_brand.get(brand)
        if known is None:
            try:
                known = await organisation.tenant_of_brand(self.database, brand)
            except organisation.NoSuchBrand:
                raise access.SessionUnknown from None
            self._by_brand.put(brand, known)
        return known

    async def key(self, tenant: Tenant, secret: str) -> access.Session:
        """Whom an API key lets in; when it was used is noted to the minute. Raises access.SessionUnknown."""
        async with self.database.reading(tenant) as tx:
            found = await access.find_key(tx, secret)
            stale = found.seen_at is None or tx.now - found.seen_at >= access.USED_EVERY
        if stale and not self._used.get(found.subject_id):
            self._used.put(found.subject_id, True)
            async with self.database.writing(tenant) as tx:
                await access.note_key_used(tx, found.subject_id)
        return found


class Caller(msgspec.Struct, frozen=True):
    """Who a call comes from; a front's handler asks for one by its type, and the call is refused without it."""

    security: ClassVar[tuple[str, ...]] = ()
    """The kinds of credentials that open a call of this caller, for the OpenAPI."""
    may_be_nobody: ClassVar[bool] = False
    headers: ClassVar[tuple[str, ...]] = ()
    """What a call of this caller may say in headers besides."""
    refuses: ClassVar[tuple[type[Refusal], ...]] = ()
    """What `enter` raises."""

    tenant: Tenant
    by: Principal

    @classmethod
    async def enter(cls, request: AnyRequest, desk: Desk) -> Self:
        """Find out who is calling. Raises a refusal of the family Unauthenticated, Forbidden or NotFound."""
        raise NotImplementedError  # each front has its own


def bearer(request: AnyRequest) -> str | None:
    """The token of `Authorization: Bearer …`, or None."""
    scheme, _, token = (request.headers.get("authorization") or "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" and token else None


async def session(desk: Desk, tenant: Tenant, token: str, kind: access.SessionKind) -> access.Session:
    """The session of a token, of this kind. Raises access.SessionUnknown or OtherAudience."""
    async with desk.database.reading(tenant) as tx:
        found = await access.find_session(tx, token)
    if found.kind != kind:
        raise OtherAudience(found.kind)
    return found


def language(request: AnyRequest) -> str:
    """zh-CN or en, as `Accept-Language` prefers; zh-CN if it says neither."""
    accepted = request.headers.get("accept-language") or ""
    best, weight = LANGUAGES[0], -1.0
    for part in accepted.split(","):
        tag, _, quality = part.strip().partition(";q=")
        try:
            worth = float(quality) if quality else 1.0
        except ValueError:
            continue
        for known in LANGUAGES:
            if tag[:2].lower() == known[:2] and worth > weight:
                best, weight = known, worth
    return best


def desk_of(request: AnyRequest) -> Desk:
    """The desk of the process that serves this request."""
    found: Desk = request.app.state["desk"]
    return found
