"""What a program asks first: which key it holds, and what that opens."""

from datetime import datetime
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import reading
from midstage.fronts._http.staff import App
from midstage.kit.database import Tx
from midstage.middle.organisation import api as organisation

TAGS = ["open: me"]
_NEVER = 9999  # the year in which a key ends that does not


class KeyView(msgspec.Struct, frozen=True, kw_only=True):
    """The key that this call was made with."""

    key_id: UUID
    brand: str
    brand_name: str
    currency: str
    zone: str
    sandbox: bool
    """Whether the brand is there for trying out."""
    permissions: list[str]
    scope: organisation.Scope
    expires_at: datetime | None


@reading("/me", tags=TAGS)
async def me(tx: Tx, app: App) -> KeyView:
    """Which key this is, what it may do, over which part of which brand, and until when."""
    brand = await organisation.brand(tx)
    until = app.session.expires_at
    return KeyView(
        key_id=app.session.subject_id,
        brand=brand.code,
        brand_name=brand.name,
        currency=brand.currency,
        zone=brand.zone,
        sandbox=tx.tenant.sandbox,
        permissions=sorted(app.session.permissions),
        scope=app.session.scope,
        expires_at=until if until.year < _NEVER else None,
    )


HANDLERS: list[HTTPRouteHandler] = [me]
