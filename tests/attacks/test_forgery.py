"""Forged and repeated messages: a provider's callbacks, tokens, and addresses to call."""

import ipaddress
import time
from datetime import timedelta
from typing import Any

import msgspec

from attacks.scene import Scene, attack
from fronts.conftest import PASSWORD
from midstage.adapters.sandbox_pay import protocol
from midstage.kit.clock import utc_now
from midstage.kit.ids import new_id
from midstage.kit.webhooks.outside import Address, Outside
from midstage.middle.access import api as access
from midstage.middle.orders import api as orders
from midstage.middle.payments import api as payments
from shop import MERCHANT_NO, SECRET


def _paid(placed: orders.PlacedOrder, **more: Any) -> bytes:
    assert placed.payment_id is not None
    event = protocol.Event(
        event_no=new_id().hex,
        kind=protocol.EventKind.PAID,
        merchant_no=MERCHANT_NO,
        at_ms=int(time.time() * 1000),
        payment_no=payments.payment_no(placed.payment_id),
        transaction_no=f"T{placed.payment_id.hex}",
        amount_minor=placed.order.total_minor,
        currency=placed.order.currency,
    )
    return msgspec.json.encode(msgspec.structs.replace(event, **more))


def _signed(body: bytes, *, at: float | None = None, secret: str = SECRET, what: str = "") -> dict[str, str]:
    return protocol.sign(secret.encode(), body, at_s=int(at or time.time()), what=what)


@attack(
    "a payment callback: unsigned, altered, signed by another, for another call, too old, from the future",
    "401 signature_wrong",
)
async def test_forged_callbacks(scene: Scene) -> None:
    placed = await scene.shop.place(1)
    path = f"/v1/callbacks/{scene.shop.tenant.code}/{scene.shop.merchant.merchant_id}"
    body = _paid(placed)
    good = _signed(body)
    altered = {**good, protocol.SIGNATURE: good[protocol.SIGNATURE][:-1] + "0"}
    cases: list[tuple[bytes, dict[str, str]]] = [
        (body, {}),
        (body, {**good, protocol.SIGNATURE: ""}),
        (body, altered if altered != good else {**good, protocol.SIGNATURE: "0" * 64}),
        (body + b" ", good),
        (body.replace(b'"amount_minor":', b'"amount_minor":1'), good),
        (body, _signed(body, secret="the secret of another merchant")),
        (body, _signed(body, what=f"POST {path}")),
        (body, _signed(body, at=time.time() - 301)),
        (body, _signed(body, at=time.time() + 301)),
        (body, {**good, protocol.TIMESTAMP: str(int(time.time()) + 1)}),
        (body, {**good, protocol.NONCE: "another"}),
        (body, {**good, protocol.TIMESTAMP: "1e9"}),
    ]
    async with scene.unchanged():
        for sent, headers in cases:
            await scene.refused("POST", path, content=sent, headers=headers)
    assert (await scene.shop.order(placed.order.order_id)).state == orders.State.PLACED


@attack(
    "a true callback at another merchant's or brand's address, or at one of nobody",
    "401 signature_wrong",
    "404 no_such_merchant",
    "404 no_such_brand",
)
async def test_a_callback_at_another_address(scene: Scene) -> None:
    placed, foreign = await scene.shop.place(1), await scene.foreign()
    body = _paid(placed)
    async with scene.unchanged():
        for path in (
            f"/v1/callbacks/{scene.shop.tenant.code}/{new_id()}",
            f"/v1/callbacks/{scene.shop.tenant.code}/{foreign.shop.merchant.merchant_id}",
            f"/v1/callbacks/no-such-brand/{scene.shop.merchant.merchant_id}",
        ):
            await scene.refused("POST", path, content=body, headers=_signed(body))
        own = f"/v1/callbacks/{scene.shop.tenant.code}/{scene.shop.merchant.merchant_id}"
        await scene.refused("POST", own, content=body, headers=_signed(body, secret="of a foreign brand"))
    assert (await scene.shop.order(placed.order.order_id)).state == orders.State.PLACED


@attack("a true callback repeated fifty times, at once and later, after its time is over", "401 signature_wrong")
async def test_a_repeated_callback(scene: Scene) -> None:
    import asyncio  # noqa: PLC0415  # one test asks at once

    placed = await scene.shop.place(1)
    path = f"/v1/callbacks/{scene.shop.tenant.code}/{scene.shop.merchant.merchant_id}"
    body = _paid(placed)
    headers = _signed(body)
    answers = await asyncio.gather(*(scene.ask("POST", path, content=body, headers=headers) for _ in range(50)))
    assert {one.status_code for one in answers} == {200}
    order = await scene.shop.order(placed.order.order_id)
    assert (order.state, order.paid_minor) == (orders.State.PAID, order.total_minor)
    async with scene.unchanged():
        await scene.refused("POST", path, content=body, headers=_signed(body, at=time.time() - 3600))
        again = await scene.ask("POST", path, content=body, headers=headers)
        assert again.status_code == 200, "told again it is heard again, and nothing comes of it"


@attack("a callback that names less than was due", "401 signature_wrong")
async def test_a_callback_of_less(scene: Scene) -> None:
    placed = await scene.shop.place(1)
    path = f"/v1/callbacks/{scene.shop.tenant.code}/{scene.shop.merchant.merchant_id}"
    less = _paid(placed, amount_minor=1)
    async with scene.unchanged():
        await scene.refused("POST", path, content=less, headers=_signed(_paid(placed)))
    told = await scene.ask("POST", path, content=less, headers=_signed(less))
    assert told.status_code == 200, "what the provider really says is taken, and put before a person"
    assert (await scene.shop.order(placed.order.order_id)).state != orders.State.PAID


@attack("tokens made up, cut, changed in one sign, of no brand, of other forms", "401 session_unknown")
async def test_made_up_tokens(scene: Scene) -> None:
    staff = await scene.staff()
    brand, _, secret = staff.token.partition(".")
    swapped = secret[:-1] + ("A" if secret[-1] != "A" else "B")
    made_up = [
        "", "x", ".", f"{brand}.", f".{secret}", f"{brand}.{swapped}", f"{brand}.{secret[:-1]}", f"{brand}.{secret}x",
        f"zzzzzzz.{secret}", f"{brand}-{secret}", f"0.{secret}", "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9.",
        "' or 1=1 --", "null", "undefined", "a" * 100_000,
    ]  # fmt: skip
    async with scene.unchanged():
        for token in made_up:
            await scene.refused("GET", "/v1/console/me", token=token)
            await scene.refused("GET", f"{scene.mall}/me", token=token)
        for header in (f"Basic {staff.token}", staff.token, f"Token {staff.token}"):
            await scene.refused("GET", "/v1/console/me", headers={"Authorization": header})


@attack("a token in the address, in a cookie, or in the body", "400 parameter_unfit", "401 session_unknown")
async def test_a_token_elsewhere(scene: Scene) -> None:
    staff = await scene.staff()
    async with scene.unchanged():
        for name in ("token", "access_token", "authorization", "session"):
            await scene.refused("GET", "/v1/console/me", params={name: staff.token})
        await scene.refused("GET", "/v1/console/me", headers={"Cookie": f"token={staff.token}; session={staff.token}"})


@attack(
    "a session that was planted before somebody signs in, or that is used after each step",
    "401 session_unknown",
    "401 sign_in_unfinished",
)
async def test_session_fixation(scene: Scene) -> None:
    victim = await scene.staff()
    planted = (await scene.staff("auditor")).token
    body = {"brand": scene.shop.tenant.code, "login": victim.login, "password": PASSWORD}
    signed_in = await scene.ask(
        "POST", "/v1/console/sign-in", token=planted, json=body, headers={"Cookie": f"t={planted}"}
    )
    token = signed_in.json()["token"]
    assert planted != token
    thief = (await scene.ask("GET", "/v1/console/me", token=planted)).json()
    assert thief["staff"]["staff_id"] != str(victim.staff_id)
    proof = {"password": PASSWORD}
    begun = (await scene.ask("POST", "/v1/console/me/second-factor", token=token, json=proof)).json()
    from pyotp.totp import TOTP  # noqa: PLC0415  # one test makes codes

    code = TOTP(begun["secret"])
    now = utc_now()
    path = "/v1/console/me/second-factor/confirm"
    done = (await scene.ask("POST", path, token=token, json={"code": code.at(now)})).json()
    half = (await scene.ask("POST", "/v1/console/sign-in", json=body)).json()
    late = {"code": code.at(now + timedelta(seconds=30))}
    whole = (await scene.ask("POST", "/v1/console/sign-in/code", token=half["token"], json=late)).json()
    half_again = (await scene.ask("POST", "/v1/console/sign-in", json=body)).json()
    change = {"old": PASSWORD, "new": "an entirely new passphrase"}
    changed = (await scene.ask("PUT", "/v1/console/me/password", token=whole["token"], json=change)).json()
    async with scene.unchanged():
        for old in (token, done["token"], half["token"], whole["token"], half_again["token"]):
            await scene.refused("GET", "/v1/console/me", token=old)
    assert (await scene.ask("GET", "/v1/console/me", token=changed["token"])).status_code == 200
    body["password"] = change["new"]
    unfinished = (await scene.ask("POST", "/v1/console/sign-in", json=body)).json()["token"]
    async with scene.unchanged():
        for where in ("/v1/console/me", "/v1/console/members", "/v1/console/orders"):
            await scene.refused("GET", where, token=unfinished)
    assert access.brand_of_token(unfinished) == scene.shop.tenant.brand


@attack(
    "a webhook to the machines beside us: loopback, private, link-local, metadata, other schemes", "422 bad_address"
)
async def test_webhooks_to_the_inside(scene: Scene) -> None:
    admin = await scene.staff()
    inside = [
        "http://127.0.0.1/", "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://[::ffff:127.0.0.1]/",
        "https://10.0.0.1/", "https://192.168.1.1/", "https://172.16.0.1/", "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/", "https://[fe80::1]/", "https://[fd00::1]/",
        "file:///etc/passwd", "gopher://example.com/", "ftp://example.com/", "https://user@example.com/",
        "https://example.com/#x", "https:///x", "https://exa mple.com/", "https://example.com:99999/", "javascript:alert(1)",
    ]  # fmt: skip
    async with scene.unchanged():
        for url in inside:
            await scene.refused("POST", "/v1/open/webhooks", token=admin.token, json={"url": url})


@attack("a webhook to a name that leads to the inside, at once or only when it is called", "422 bad_address")
async def test_webhooks_to_names_of_the_inside(scene: Scene) -> None:
    async def rebound(_: str, __: int) -> list[Address]:
        return [ipaddress.ip_address("127.0.0.1")]

    async with scene.unchanged(), Outside(loopback=False, resolve=rebound) as outside:
        told = await outside.post("https://rebound.example/", {}, b"{}")
    assert told.status is None
    async with scene.unchanged(), Outside(loopback=False) as outside:
        for url in ("https://2130706433/", "https://0x7f000001/", "https://127.1/", "https://localhost.localdomain/"):
            assert (await outside.post(url, {}, b"{}")).status is None
    admin = await scene.staff()
    await scene.refused("POST", "/v1/open/webhooks", token=admin.token, json={"url": "https://localhost:5432/"})


@attack("what the simulated message service was given, where there is no sandbox", "404 nothing_sent")
async def test_codes_of_others_where_there_is_no_sandbox(scene: Scene) -> None:
    async with scene.unchanged():
        await scene.refused("GET", f"/v1/sandbox/{scene.shop.tenant.code}/messages/+8613800000000")
