"""How often somebody may call: who is counted, and what a call says of it."""

import ipaddress

from midstage.fronts._http.desk import AnyRequest, Caller, Desk
from midstage.fronts._http.devices import address_of
from midstage.kit.limits import NO_BRAND, Standing

# In the scope of a request: what is left to the caller, for the headers of the answer.
STANDING = "midstage_standing"
_APP = "app"
# Who has no credentials is known by where they call from.
_UNKNOWN = frozenset({"guest"})


async def count_call(request: AnyRequest, desk: Desk, caller: Caller | None, *, guesses: bool) -> None:
    """Count a call of a key, a session, or an address. Raises TooManyCalls.

    `guesses`: it tries out a password or a code, of which an address gets few, whoever they say they are.
    """
    settings = desk.settings
    if guesses:
        await _count_address(request, desk, "guess", settings.sign_in_calls_per_minute)
    if caller is None or caller.by.kind in _UNKNOWN:
        standing = await _count_address(request, desk, "call", settings.visitor_calls_per_minute)
    else:
        most = settings.session_calls_per_minute
        if caller.by.kind == _APP:
            own: int | None = getattr(getattr(caller, "session", None), "calls_per_minute", None)
            most = own or settings.key_calls_per_minute
        standing = await desk.limits.take(caller.tenant.brand, f"{caller.by.kind} {caller.by.id}", most)
    if standing is not None:
        request.scope[STANDING] = standing  # pyright: ignore[reportGeneralTypeIssues]  # ASGI lets servers and applications add to it


def standing_headers(scope: object) -> list[tuple[bytes, bytes]]:
    """The RateLimit headers of an answer, where its caller was counted."""
    standing = scope.get(STANDING) if isinstance(scope, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # a scope is a dict of anything
    if not isinstance(standing, Standing):
        return []
    return [(name.lower().encode(), value.encode()) for name, value in standing.headers().items()]


async def _count_address(request: AnyRequest, desk: Desk, what: str, per_minute: int) -> Standing | None:
    """Count a call of an address. Calls of this machine itself are not: a proxy on it would stand for everybody."""
    address = address_of(request)
    if not address or ipaddress.ip_address(address).is_loopback:
        return None
    return await desk.limits.take(NO_BRAND, f"{what} {_network(address)}", per_minute)


def _network(address: str) -> str:
    """An IPv6 connection has 2**64 addresses of its own, so what counts is the /64 that they lie in."""
    found = ipaddress.ip_address(address)
    return str(ipaddress.ip_network((found, 64), strict=False)) if found.version == 6 else str(found)
