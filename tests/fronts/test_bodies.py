"""What comes in badly is answered clearly: a problem that says what is wrong, and never a fault of ours."""

import gzip
import json
from typing import Any

import httpx
import pytest

from midstage.kit.ids import new_id
from shop import Shop

CHECKOUT: dict[str, Any] = {"delivery": {"method": "pick_up"}}


async def _send(
    http: httpx.AsyncClient, shop: Shop, body: bytes, path: str = "/orders", method: str = "POST", **headers: str
) -> tuple[int, str, dict[str, Any]]:
    """Status, code and problem of what a shopper sends."""
    given = {
        "Authorization": f"Bearer {shop.token}",
        "Idempotency-Key": str(new_id()),
        "Content-Type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    answer = await http.request(method, f"/v1/mall/{shop.tenant.code}{path}", content=body, headers=given)
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    problem = answer.json()
    assert problem["status"] == answer.status_code
    assert problem["detail"]
    return answer.status_code, problem["code"], problem


def _line(shop: Shop, **changes: object) -> bytes:
    line = {"sku_id": str(shop.skus[0]), "quantity_milli": 1000, **changes}
    return json.dumps({**CHECKOUT, "lines": [line]}).encode()


async def test_an_empty_body_is_no_body(http: httpx.AsyncClient, shop: Shop) -> None:
    assert (await _send(http, shop, b""))[:2] == (400, "body_unreadable")


async def test_a_name_that_stands_twice_is_refused(http: httpx.AsyncClient, shop: Shop) -> None:
    body = _line(shop).replace(b'"quantity_milli": 1000', b'"quantity_milli": 1000, "quantity_milli": 9000')
    status, code, problem = await _send(http, shop, body)
    assert (status, code) == (400, "body_unreadable")
    assert "twice" in problem["figures"]["reason"]


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'{"lines":['], ids=["lists", "objects", "within"])
async def test_a_deep_body_is_refused(http: httpx.AsyncClient, shop: Shop, opening: bytes) -> None:
    assert (await _send(http, shop, opening * 100_000))[:2] == (400, "body_unreadable")


@pytest.mark.parametrize(
    "number", ["9223372036854775808", "-9223372036854775809", "1" + "0" * 5000, "1e400", "NaN", "-1"]
)
async def test_a_number_without_measure_is_refused(http: httpx.AsyncClient, shop: Shop, number: str) -> None:
    body = _line(shop).replace(b"1000", number.encode())
    assert (await _send(http, shop, body))[:2] == (400, "body_unreadable")


async def test_a_total_without_measure_is_refused(http: httpx.AsyncClient, shop: Shop) -> None:
    body = json.dumps({**json.loads(_line(shop)), "expected_total_minor": 2**70}).encode()
    status, code, _ = await _send(http, shop, body)
    assert (status, code) in {(400, "body_unreadable"), (409, "total_moved"), (422, "beyond_keeping")}


@pytest.mark.parametrize("text", [r'"\u0000"', r'"a\u0000b"'])
async def test_a_nul_is_refused(http: httpx.AsyncClient, shop: Shop, text: str) -> None:
    body = _line(shop)[:-1] + f', "note": {text}}}'.encode()
    assert (await _send(http, shop, body))[:2] == (422, "character_unfit")


async def test_a_backslash_before_what_looks_like_a_nul_is_text(http: httpx.AsyncClient, shop: Shop) -> None:
    body = _line(shop)[:-1] + rb', "note": "\\u0000"}'
    answer = await http.post(
        f"/v1/mall/{shop.tenant.code}/orders",
        content=body,
        headers={
            "Authorization": f"Bearer {shop.token}",
            "Idempotency-Key": "k",
            "Content-Type": "application/json",
        },
    )
    assert answer.status_code == 201


@pytest.mark.parametrize("text", [rb'"\ud800"', rb'"\udc00\ud800"', b'"\xff\xfe"', b'"\xed\xa0\x80"', b'"\n"'])
async def test_text_that_is_none_is_refused(http: httpx.AsyncClient, shop: Shop, text: bytes) -> None:
    body = _line(shop)[:-1] + b', "note": ' + text + b"}"
    assert (await _send(http, shop, body))[:2] == (400, "body_unreadable")


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "", "application/jsonx"]
)
async def test_a_body_of_another_kind_is_refused(http: httpx.AsyncClient, shop: Shop, kind: str) -> None:
    assert (await _send(http, shop, _line(shop), Content_Type=kind))[:2] == (415, "body_of_other_kind")


async def test_a_packed_body_is_refused(http: httpx.AsyncClient, shop: Shop) -> None:
    packed = gzip.compress(_line(shop))
    assert (await _send(http, shop, packed, Content_Encoding="gzip"))[:2] == (415, "body_of_other_kind")
    assert (await _send(http, shop, packed))[:2] == (400, "body_unreadable")


async def test_a_body_that_is_too_large_is_refused(http: httpx.AsyncClient, shop: Shop) -> None:
    assert (await _send(http, shop, b" " * 5 * 1024 * 1024))[:2] == (413, "body_too_large")


async def test_a_field_that_is_not_known_is_refused(http: httpx.AsyncClient, shop: Shop) -> None:
    status, code, problem = await _send(http, shop, _line(shop, price=1))
    assert (status, code) == (400, "body_unreadable")
    assert "price" in problem["figures"]["reason"]


@pytest.mark.parametrize("quantity", ['"1000"', "1000.5", "true", "null", "[1000]"])
async def test_a_figure_of_another_type_is_not_guessed(http: httpx.AsyncClient, shop: Shop, quantity: str) -> None:
    body = _line(shop).replace(b"1000", quantity.encode())
    assert (await _send(http, shop, body))[:2] == (400, "body_unreadable")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("limit=201", (400, "parameter_unfit")),
        ("limit=0", (400, "parameter_unfit")),
        ("limit=9223372036854775808", (400, "parameter_unfit")),
        ("limit=1&limit=2", (400, "parameter_unfit")),
        ("limt=1", (400, "parameter_unfit")),
        ("state=nowhere", (400, "parameter_unfit")),
        ("after=%00", (422, "character_unfit")),
        ("after=nonsense", (422, "bad_cursor")),
        ("after=zwAAAAAAAAAA", (422, "bad_cursor")),
        ("after=%ED%A0%80", (422, "bad_cursor")),
    ],
)
async def test_an_address_is_read_strictly(
    http: httpx.AsyncClient, shop: Shop, query: str, expected: tuple[int, str]
) -> None:
    assert (await _send(http, shop, b"", f"/orders?{query}", "GET"))[:2] == expected


@pytest.mark.parametrize("key", ["", "k" * 201, "a\tb"])
async def test_a_key_that_is_none_is_refused(http: httpx.AsyncClient, shop: Shop, key: str) -> None:
    status, code, _ = await _send(http, shop, _line(shop), Idempotency_Key=key)
    assert (status, code) in {(422, "idempotency_key_missing"), (422, "bad_idempotency_key")}


@pytest.mark.parametrize("code", ["%00", "a%00b", "%ED%A0%80", "none", "x" * 5000])
async def test_a_brand_that_is_none_is_not_there(http: httpx.AsyncClient, code: str) -> None:
    answer = await http.get(f"/v1/mall/{code}/products")
    assert (answer.status_code, answer.json()["code"]) in {(404, "no_such_brand"), (422, "character_unfit")}


@pytest.mark.parametrize("token", ["x", ".", "zzzzzzzzzzzzzzzzzzzz.abc", "1.", "1.\xff", "1." + "a" * 10_000])
async def test_a_token_that_is_none_opens_nothing(http: httpx.AsyncClient, shop: Shop, token: str) -> None:
    for path in (f"/v1/mall/{shop.tenant.code}/me", "/v1/console/me"):
        answer = await http.get(path, headers=[(b"Authorization", f"Bearer {token}".encode("latin-1"))])
        assert (answer.status_code, answer.json()["code"]) == (401, "session_unknown")


async def test_an_unknown_address_and_method_are_problems_too(http: httpx.AsyncClient) -> None:
    for path, method, status, code in (
        ("/nowhere", "GET", 404, "not_found"),
        ("/v1/mall/x/orders/no-uuid", "GET", 404, "not_found"),
        ("/healthz", "DELETE", 405, "method_not_allowed"),
    ):
        answer = await http.request(method, path, headers={"Accept-Language": "en"})
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"].isascii()
