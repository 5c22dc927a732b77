"""Texts that want to be more than text: SQL, paths, formulas, headers, methods, hosts."""

import io
import zipfile
from typing import Any
from urllib.parse import quote

from attacks.scene import Scene, attack, texts
from midstage.kit.database import Tx
from midstage.kit.ids import new_id
from midstage.middle.members import api as members
from midstage.middle.organisation import api as organisation

SQL = (
    "'", "''", '"', "\\", "\\'", "';--", "' or 1=1 --", "'; drop table member; --", "' union select * from login --", "1 or 1=1",
    "%", "_", "%%", "a%' or '1'='1", "$1", "$$", "${jndi:ldap://x}", "{{7*7}}", "{0}", "%s", "%n", ":name", "@@version", "/**/",
    "pg_sleep(5)", "'||pg_sleep(5)||'", "\u2019 or 1=1", "＇ or 1=1", "羊' or '毛", "a & b", "a | b", "!a", "a:*", "(a", "a)", "<->", "'a'",
)  # fmt: skip

# What is searched by pairs of letters: a text without letters narrows nothing, as an empty one does not.
SIGNLESS = frozenset({"text"})


@attack(
    "SQL and search operators in every search of staff and shoppers",
    "400 parameter_unfit",
    "404 no_such_barcode",
    "404 no_such_order",
    "404 not_found",
    "422 bad_cursor",
    "422 bad_identifier",
)
async def test_sql_in_searches(scene: Scene) -> None:
    admin = await scene.staff()
    some = ("'", "%", "_", "' or '1'='1", "'; drop table member; --", "\\", "(a & !b", "羊' or '毛")
    async with scene.unchanged():
        for path, name in texts():
            where = path.replace("{brand:str}", scene.shop.tenant.code)
            token = scene.shop.token if "/mall/" in path else admin.token
            everything = (await scene.ask("GET", where, token=token)).json() if name in SIGNLESS else None
            for text in SQL if name in {"q", "name"} else some:
                answer = await scene.ask("GET", where, token=token, params={name: text})
                assert answer.status_code < 500, f"{path} {text}: {answer.text}"
                if answer.status_code >= 400:
                    scene.note(answer)
                    continue
                found: Any = answer.json()
                if everything is not None and found == everything:
                    continue
                items: Any = found.get("items", found) if hasattr(found, "get") else found
                assert not items or name in {"after", "language"}, f"{path}?{name}={text} finds {str(items)[:100]}"
        for text in SQL:
            scene.note(await admin.call("POST", "/members/find", json={"kind": "card", "value": text}))
            scene.note(await admin.call("GET", f"/orders/by-number/{quote(text, safe='')}"))


@attack("SQL and other texts where an id belongs", "404 not_found", "400 parameter_unfit", "400 body_unreadable")
async def test_sql_in_ids(scene: Scene) -> None:
    admin = await scene.staff()
    async with scene.unchanged():
        for text in (
            *SQL,
            "../",
            "%2e%2e%2f",
            "-1",
            "0",
            "[object Object]",
            "00000000-0000-0000-0000-00000000000g",
        ):
            given = quote(text, safe="")
            for path in (f"/v1/console/orders/{given}", f"/v1/console/members/{given}"):
                answer = await scene.ask("GET", path, token=admin.token)
                if answer.status_code != 200:  # an empty part of the path is the list itself
                    scene.note(answer)
            scene.note(await admin.call("GET", "/orders", params={"store_id": text}))
            body = {"lines": [{"sku_id": text, "quantity_milli": 1}], "delivery": {"method": "pick_up"}}
            await scene.refused("POST", f"{scene.mall}/orders", token=scene.shop.token, json=body)


@attack("cursors made up: of another list, of moments without a zone, of huge figures, of texts", "422 bad_cursor")
async def test_made_up_cursors(scene: Scene) -> None:
    import base64  # noqa: PLC0415  # one test packs cursors
    from datetime import datetime  # noqa: PLC0415

    import msgspec  # noqa: PLC0415

    admin = await scene.staff()
    places: list[Any] = [
        (2**63,), ("' or 1=1",), (["a"] * 5,), {"a": 1}, None, (datetime(2026, 1, 1), new_id()), (1e308,), ("\0", "\0"), (True,),  # noqa: DTZ001  # no zone is the point
    ]  # fmt: skip
    packed = [base64.urlsafe_b64encode(msgspec.msgpack.encode(one)).decode().rstrip("=") for one in places]
    async with scene.unchanged():
        for path in ("/orders", "/members", "/audit", "/personal-reads", "/payments/refunds"):
            for cursor in (*packed, "x", "!!!!", "=" * 50, "A" * 20_000):
                scene.note(await admin.call("GET", path, params={"after": cursor}))


@attack(
    "paths out of a folder, in addresses and in names of files",
    "404 not_found",
)
async def test_paths(scene: Scene) -> None:
    admin = await scene.staff()
    async with scene.unchanged():
        for path in (
            "/../../etc/passwd",
            "/v1/console/../../../etc/passwd",
            "/%2e%2e/%2e%2e/etc/passwd",
            "/..%2f..%2fetc%2fpasswd",
            "/v1/console/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "/v1/console/exports/..%2f..%2fetc%2fpasswd",
            "/docs/../../pyproject.toml",
            "//etc/passwd",
            "/v1/callbacks/..%2f..%2fx/00000000-0000-0000-0000-000000000000",
            "/v1/mall/..%2f..%2f/products",
            "/.git/config",
            "/.env",
        ):
            answer = await scene.ask("GET", path, token=admin.token)
            if answer.status_code != 405:
                scene.note(answer)
            assert "root:" not in answer.text


@attack("a zip in the place of a file of rows, with paths out of its folder and a bomb in it", "422 file_unreadable")
async def test_zip_in_the_place_of_rows(scene: Scene) -> None:
    admin = await scene.staff()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../../tmp/midstage-was-here", "x")
        archive.writestr("bomb.csv", "0" * 3_000_000)
    async with scene.unchanged():
        for name in ("rows.zip", "../../rows.csv", "rows.csv\0.zip"):
            answer = await admin.call(
                "POST",
                "/imports/stores",
                files={"file": (name.replace("\0", "%00"), packed.getvalue(), "application/zip")},
            )
            scene.note(answer)
        answer = await admin.call(
            "POST", "/imports/stores", content=packed.getvalue(), headers={"Content-Type": "application/zip"}
        )
        scene.note(answer)


@attack("formulas in a name that somebody exports and opens in a spreadsheet", "422 bad_profile")
async def test_formulas_in_exports(scene: Scene) -> None:
    admin = await scene.staff()
    formulas = ["=1+1", "+cmd|'/C calc'!A0", "-2+3", "@SUM(A1)", "＝1+1", '=HYPERLINK("http://x")', "\t=1+1"]
    for formula in formulas:
        member = await scene.shop.new_member()

        async def rename(tx: Tx, member: members.Member = member, formula: str = formula) -> None:
            await members.change_profile(tx, member.member_id, members.ProfileChange(name=formula))

        await scene.shop.database.attempt(scene.shop.tenant, rename)
    text = (await admin.call("GET", "/exports/members")).text
    cells = [cell.strip('"') for line in text.splitlines()[1:] for cell in line.split(",")]
    assert len(cells) > len(formulas)
    assert [cell for cell in cells if cell[:1] in {"=", "+", "-", "@", "\t", "＝"} and not cell[1:].isdecimal()] == []
    scene.note(await admin.call("PATCH", f"/members/{scene.shop.member.member_id}", json={"extra": {"=1+1": "x"}}))


@attack(
    "line breaks for headers and logs, in names, addresses and keys",
    "422 idempotency_key_missing",
    "422 character_unfit",
    "400 parameter_unfit",
)
async def test_line_breaks(scene: Scene) -> None:
    admin = await scene.staff()
    async with scene.unchanged():
        answer = await scene.ask("GET", "/v1/console/me", token=admin.token, headers={"X-Request-Id": "a" * 200})
        assert answer.headers["x-request-id"] != "a" * 200
        for text in ("a\r\nSet-Cookie: x=1", "a\nHTTP/1.1 200 OK", "\0"):
            answer = await scene.ask("GET", "/v1/console/members", token=admin.token, params={"name": text})
            assert "set-cookie" not in answer.headers
            if answer.status_code >= 400:
                scene.note(answer)
            answer = await scene.ask("GET", "/v1/console/members", token=admin.token, params={text: "x"})
            scene.note(answer)
        for key in (" ", "a b", "x" * 201, ""):
            headers = {"Idempotency-Key": key}
            body = {"action": "x", "subject": "x", "reason": "x"}
            await scene.refused("POST", "/v1/console/approvals", token=admin.token, json=body, headers=headers)


@attack(
    "another method than the address takes, and methods in headers and fields",
    "405 method_not_allowed",
    "401 session_unknown",
    "400 parameter_unfit",
)
async def test_methods(scene: Scene) -> None:
    admin = await scene.staff()
    session_id = (await admin.get("/me"))["session_id"]
    async with scene.unchanged():
        for header in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            for path in (f"/v1/console/me/sessions/{session_id}", "/v1/console/me/password"):
                await scene.refused("POST", path, token=admin.token, headers={header: "DELETE"}, json={})
            await scene.refused("GET", "/v1/console/me", headers={header: "POST"})
        await scene.refused("GET", "/v1/console/me", token=admin.token, params={"_method": "DELETE"})
        for method in ("TRACE", "CONNECT", "PROPFIND", "TRACK"):
            answer = await scene.ask(method, "/v1/console/me", token=admin.token)
            assert answer.status_code in {404, 405, 501}
            assert admin.token not in answer.text


@attack(
    "a page of another site that calls with the visitor's browser (CORS, cross-site forms)",
    "401 session_unknown",
    "415 body_of_other_kind",
    "405 method_not_allowed",
)
async def test_other_sites(scene: Scene) -> None:
    admin = await scene.staff()
    origin = {"Origin": "https://evil.example"}
    async with scene.unchanged():
        for method, path in (
            ("GET", "/v1/console/me"),
            ("OPTIONS", "/v1/console/me"),
            ("OPTIONS", f"{scene.mall}/orders"),
        ):
            answer = await scene.ask(
                method, path, token=admin.token, headers={**origin, "Access-Control-Request-Method": "POST"}
            )
            assert not [name for name in answer.headers if name.startswith("access-control-")]
        await scene.refused("GET", "/v1/console/me", headers=origin)  # a browser adds no token by itself
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            await scene.refused(
                "PUT",
                "/v1/console/me/password",
                token=admin.token,
                content='{"old":"a","new":"b"}',
                headers={**origin, "Content-Type": kind},
            )
        await scene.refused("GET", "/v1/console/sign-out", token=admin.token, headers=origin)


@attack("a Host of one's own, so that links and callbacks lead there", "404 no_such_order")
async def test_hosts(scene: Scene) -> None:
    admin = await scene.staff()
    evil = {
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "javascript",
        "Forwarded": "host=evil.example",
    }
    async with scene.unchanged():
        for path in ("/v1/console/me", "/healthz", "/v1/console/brand"):
            answer = await scene.ask("GET", path, token=admin.token, headers=evil)
            assert "evil.example" not in answer.text + str(answer.headers)
        await scene.refused("GET", f"{scene.mall}/orders/{new_id()}", token=scene.shop.token, headers=evil)


@attack(
    "names that programs treat as their own, in fields and settings",
    "422 policy_invalid",
    "422 bad_profile",
    "400 body_unreadable",
)
async def test_names_of_prototypes(scene: Scene) -> None:
    admin = await scene.staff()

    async def root(tx: Tx) -> str:
        return str((await organisation.brand(tx)).root_unit_id)

    holder = await scene.shop.database.attempt(scene.shop.tenant, root)
    names = ("__proto__", "constructor", "prototype", "__class__", "__init__", "toString", "hasOwnProperty", "__dict__")
    async with scene.unchanged():
        for name in names:
            answer = await admin.call(
                "PUT", f"/policies/sign_in/choices/brand/{holder}", json={"settings": {name: {"x": 1}}, "version": None}
            )
            scene.note(answer)
            await scene.refused("PATCH", f"{scene.mall}/me", token=scene.shop.token, json={"extra": {name: "x"}})
            await scene.refused("PATCH", f"{scene.mall}/me", token=scene.shop.token, json={name: "x"})
