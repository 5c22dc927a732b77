"""The way outside: where facts may go, and one request there.

An address that somebody else typed in must not lead to the machines beside us (server-side request forgery): names are
resolved here, every address they have is looked at, and the connection goes to one of those looked at and to no other.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self, cast
from urllib.parse import urlsplit

import httpcore

from midstage.kit.webhooks.types import BadAddress, WebhookOutcome

TIMEOUT_S = 10.0
CONNECT_S = 5.0
MOST_URL = 1000
MOST_READ = 4096
TOLD = 1000
MOST_RETRY_AFTER_S = 3600
BODY_S = 0.5
MOST_CONNECTIONS = 1000
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]


def check_url(url: str, *, loopback: bool) -> None:
    """Raises BadAddress. `loopback` allows this machine, also without TLS: for trying out."""
    if len(url) > MOST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise BadAddress("it has up to 1,000 printable ASCII characters")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadAddress("it cannot be read") from None
    if not host or "@" in parts.netloc or parts.fragment:
        raise BadAddress("it has a host, and neither user nor fragment")
    literal = _literal(host)
    here = host == "localhost" or (literal is not None and literal.is_loopback)
    if parts.scheme != "https" and not (loopback and here and parts.scheme == "http"):
        raise BadAddress("it begins with https://")
    if here and not loopback:
        raise BadAddress("it is this machine itself")
    if literal is not None and not here:
        _check(literal, loopback=loopback)


class _Looked(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at, and so to no other than those."""

    def __init__(self, *, loopback: bool, resolve: Resolve) -> None:
        self._loopback = loopback
        self._resolve = resolve
        # It has another, empty form for environments without anyio, which ours is not.
        self._inner: httpcore.AsyncNetworkBackend = cast("Any", httpcore.AnyIOBackend)()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # the name is httpcore's
        local_address: str | None = None,
        socket_options: Any = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises BadAddress, OSError, or what httpcore raises."""
        literal = _literal(host)
        addresses = [literal] if literal else await self._resolve(host, port)
        for address in addresses:
            _check(address, loopback=self._loopback)
        if not addresses:
            raise BadAddress("its name has no address")
        return await self._inner.connect_tcp(str(addresses[0]), port, timeout, local_address, socket_options)


class Outside:
    """Sends requests; one a process, with `async with`. No proxy and no redirect: nobody looked at those."""

    def __init__(
        self,
        *,
        loopback: bool,
        timeout_s: float = TIMEOUT_S,
        trust: ssl.SSLContext | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._loopback = loopback
        self._timeout_s = timeout_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=MOST_CONNECTIONS,
            max_keepalive_connections=100,
            keepalive_expiry=15,
            network_backend=_Looked(loopback=loopback, resolve=resolve or _resolve),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.aclose()

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> WebhookOutcome:
        """One request. Whatever goes wrong is an outcome: who is outside cannot make us fail."""
        begun = time.perf_counter()
        try:
            async with asyncio.timeout(self._timeout_s):
                check_url(url, loopback=self._loopback)
                status, told, wait = await self._ask(url, headers, body)
        except (TimeoutError, httpcore.TimeoutException):
            return _failed(begun, f"no answer within {self._timeout_s:g} s")
        except BadAddress as refused:
            return _failed(begun, refused.say("en"))
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.UnsupportedProtocol, OSError) as error:
            return _failed(begun, f"{type(error).__name__}: {error}".rstrip(": "))
        return WebhookOutcome(200 <= status < 300, status, _ms(begun), told, wait)

    async def _ask(self, url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, str, int]:
        told = [("user-agent", "Midstage-Webhooks/1"), *headers.items()]
        patience = {"timeout": {"connect": CONNECT_S, "read": self._timeout_s, "write": self._timeout_s}}
        async with self._pool.stream("POST", url, headers=told, content=body, extensions=patience) as answer:
            return answer.status, await _beginning(answer), _retry_after(answer)


async def _resolve(host: str, port: int) -> list[Address]:
    """The addresses of a name. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ipaddress.ip_address(cast("tuple[Any, ...]", one[4])[0].partition("%")[0]) for one in found]


def _check(address: Address, *, loopback: bool) -> None:
    """Raises BadAddress for one that not everybody on the internet means the same by."""
    inner = address
    if isinstance(address, ipaddress.IPv6Address):
        # An IPv4 address in the clothes of an IPv6 one: mapped, 6to4, NAT64, Teredo.
        inner = address.ipv4_mapped or address.sixtofour or _nat64(address) or address
        if address.teredo is not None:
            raise BadAddress("its address is one of a tunnel")
    if inner.is_loopback and loopback:
        return
    if not inner.is_global or inner.is_multicast or inner.is_reserved:
        raise BadAddress("its address is not one of the internet")


_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _nat64(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


async def _beginning(answer: httpcore.Response) -> str:
    """The first 4 kB at most, as text; the rest is not waited for, and none of it for long: the status is the answer."""
    read = b""
    try:
        async with asyncio.timeout(BODY_S):
            async for chunk in answer.aiter_stream():
                read += chunk
                if len(read) >= MOST_READ:
                    break
    except TimeoutError:
        pass
    return _clean(read[:MOST_READ].decode("utf-8", "replace"))


def _clean(text: str) -> str:
    return "".join(sign if sign.isprintable() or sign == "\n" else " " for sign in text)[:TOLD].strip()


def _retry_after(answer: httpcore.Response) -> int:
    """Seconds until it wants to be asked again, where it says so in seconds."""
    said = next((value for name, value in answer.headers if name.lower() == b"retry-after"), b"")
    return min(int(said), MOST_RETRY_AFTER_S) if said.isdigit() and len(said) <= 9 else 0


def _failed(begun: float, told: str) -> WebhookOutcome:
    return WebhookOutcome(False, None, _ms(begun), _clean(told))


def _ms(begun: float) -> int:
    return round((time.perf_counter() - begun) * 1000)
