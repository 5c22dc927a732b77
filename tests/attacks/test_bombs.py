"""Small requests that want to cost much: depth, size, repetition, packing, patterns."""

import gzip
import time
import zlib

import httpx

from attacks.scene import Scene, attack, texts

# What one call may take on a busy machine; a pattern that explodes takes minutes.
MOST_S = 3.0


async def _send(scene: Scene, body: bytes | str, **headers: str) -> httpx.Response:
    begun = time.perf_counter()
    answer = await scene.ask(
        "POST",
        f"{scene.mall}/orders",
        token=scene.shop.token,
        content=body,
        headers={"Content-Type": "application/json", **headers},
    )
    assert time.perf_counter() - begun < MOST_S
    return answer


@attack("JSON that is nested a hundred thousand deep", "400 body_unreadable")
async def test_deep_json(scene: Scene) -> None:
    async with scene.unchanged():
        for opened, closed in (("[", "]"), ('{"a":', "}"), ('{"lines":[', "]}"), ('{"delivery":{"address":', "}}")):
            for depth in (200, 5_000, 100_000):
                scene.note(await _send(scene, opened * depth + "1" + closed * depth))
            scene.note(await _send(scene, opened * 100_000))


@attack(
    "bodies of five megabytes, figures of a million digits, a name that stands twice",
    "413 body_too_large",
    "400 body_unreadable",
)
async def test_large_json(scene: Scene) -> None:
    async with scene.unchanged():
        scene.note(await _send(scene, b'{"note":"' + b"x" * 5_000_000 + b'"}'))
        scene.note(await _send(scene, '{"expected_total_minor":' + "9" * 1_000_000 + "}"))
        scene.note(await _send(scene, '{"expected_total_minor":1e' + "9" * 100_000 + "}"))
        scene.note(await _send(scene, '{"note":"a","note":"b"}'))
        scene.note(await _send(scene, '{"lines":[' + ",".join(["{}"] * 200_000) + "]}"))
        scene.note(await _send(scene, "{" + ",".join(f'"k{n}":1' for n in range(200_000)) + "}"))
        scene.note(await _send(scene, b'{"note":"\xff\xfe"}'))
        scene.note(await _send(scene, '{"note":"\\ud800"}'))


@attack("a body that is packed small and grows large", "415 body_of_other_kind", "400 body_unreadable")
async def test_packed_bodies(scene: Scene) -> None:
    zeros = b'{"note":"' + b"0" * 50_000_000 + b'"}'
    async with scene.unchanged():
        for packed, how in ((gzip.compress(zeros), "gzip"), (zlib.compress(zeros), "deflate"), (zeros[:1000], "br")):
            scene.note(await _send(scene, packed, **{"Content-Encoding": how}))
            scene.note(await _send(scene, packed, **{"Content-Encoding": f"identity, {how}"}))
        scene.note(await _send(scene, gzip.compress(zeros)))


@attack(
    "headers of a megabyte: token, key, language, kind",
    "401 session_unknown",
    "422 idempotency_key_missing",
    "415 body_of_other_kind",
    "400 body_unreadable",
)
async def test_large_headers(scene: Scene) -> None:
    large = "a" * 1_000_000
    async with scene.unchanged():
        await scene.refused("GET", f"{scene.mall}/me", token=large)
        scene.note(await _send(scene, "{}", **{"Idempotency-Key": large}))
        scene.note(await _send(scene, "{}", **{"Content-Type": large}))
        scene.note(await _send(scene, "{}", **{"Accept-Language": ",".join(["en;q=0.1"] * 100_000)}))
        scene.note(await _send(scene, "{}", **{"Accept-Language": "en;q=" + "9" * 100_000}))


@attack(
    "texts that make patterns explode, in every parameter and text of every call",
    "400 body_unreadable",
    "400 parameter_unfit",
    "401 sign_in_wrong",
    "422 bad_identifier",
)
async def test_patterns(scene: Scene) -> None:
    admin = await scene.staff()
    evil = ["a" * 50_000 + "!", "1" * 50_000 + "x", "+" * 50_000, "a." * 25_000]
    slow: list[str] = []
    async with scene.unchanged():
        for path, name in texts():
            for text in (evil[3][-10_000:] + "!",):
                begun = time.perf_counter()
                answer = await scene.ask(
                    "GET", path.replace("{brand:str}", scene.shop.tenant.code), token=admin.token, params={name: text}
                )
                if time.perf_counter() - begun > MOST_S:
                    slow.append(f"{path} {name}")
                assert answer.status_code < 500, f"{path} {name}: {answer.text[:200]}"
                if answer.status_code == 400:
                    scene.note(answer)
        for text in evil:
            begun = time.perf_counter()
            for where, body in (
                (f"{scene.mall}/sign-in/code", {"phone": text}),
                (f"{scene.mall}/sign-in", {"phone": "13800000000", "code": text}),
                ("/v1/console/sign-in", {"brand": text, "login": "x", "password": "x"}),
                ("/v1/console/sign-in", {"brand": scene.shop.tenant.code, "login": text[:100], "password": "x"}),
            ):
                await scene.refused("POST", where, json=body)
            scene.note(await admin.call("POST", "/members/find", json={"kind": "email", "value": text[:200]}))
            if time.perf_counter() - begun > MOST_S:
                slow.append(text[:3])
    assert slow == []


@attack("a code with something behind it that a careless pattern overlooks", "400 body_unreadable", "401 code_wrong")
async def test_what_patterns_overlook(scene: Scene) -> None:
    async with scene.unchanged():
        for code in ("123456\n", "123456 ", " 123456", "１２３４５６", "123456\r\n", "12345６"):
            await scene.refused("POST", f"{scene.mall}/sign-in", json={"phone": "13800000000", "code": code})
        await scene.refused("POST", f"{scene.mall}/sign-in", json={"phone": "13800000000", "code": "000000"})


@attack("a list asked for with a thousand times too many rows, or none, or less", "400 parameter_unfit")
async def test_limits(scene: Scene) -> None:
    admin = await scene.staff()
    async with scene.unchanged():
        for limit in ("0", "-1", "201", "1000000", "1e3", "NaN", "", "１０", "9" * 5000, "1 or 1=1"):
            scene.note(await admin.call("GET", "/members", params={"limit": limit}))
            await scene.refused("GET", f"{scene.mall}/products", params={"limit": limit})
        scene.note(await admin.call("GET", "/members", params=[("limit", "1"), ("limit", "200")]))
