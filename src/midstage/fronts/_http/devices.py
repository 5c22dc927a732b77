"""Where a call comes from, as the owner of a session may recognise it: told by the device itself, so no proof."""

import ipaddress

from midstage.fronts._http.desk import AnyRequest
from midstage.middle.access import api as access

# The first of each that is found, so those that name others come before these.
_PROGRAMS = (
    ("micromessenger", "WeChat"),
    ("wxwork", "WeCom"),
    ("edg/", "Edge"),
    ("opr/", "Opera"),
    ("firefox", "Firefox"),
    ("chrome", "Chrome"),
    ("safari", "Safari"),
    ("python", "Python"),
    ("curl", "curl"),
)
_SYSTEMS = (
    ("android", "Android"),
    ("iphone", "iOS"),
    ("ipad", "iPadOS"),
    ("harmony", "HarmonyOS"),
    ("windows", "Windows"),
    ("mac os", "macOS"),
    ("linux", "Linux"),
)


def device_of(request: AnyRequest) -> access.Device:
    """The device of a call: kind of program and system, and its address."""
    agent = (request.headers.get("user-agent") or "").lower()
    named = [name for known in (_PROGRAMS, _SYSTEMS) for mark, name in known if mark in agent]
    program = next((name for _, name in _PROGRAMS if name in named), "")
    system = next((name for _, name in _SYSTEMS if name in named), "")
    return access.Device(" · ".join(part for part in (program, system) if part), address_of(request))


def address_of(request: AnyRequest) -> str:
    """Where a call comes from; behind a proxy beside us, what the proxy has seen. Empty where nobody can tell."""
    peer = _address(request.client.host if request.client else "")
    if peer is None or not (peer.is_loopback or peer.is_private):
        return str(peer or "")
    seen = _address((request.headers.get("x-forwarded-for") or "").rpartition(",")[2].strip())
    return str(seen or peer)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
