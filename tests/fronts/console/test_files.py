"""Files of rows: what the console sends out can be brought in again, within what the asker sees."""

from typing import TYPE_CHECKING

import pytest

from midstage.fronts._http.files import read_table
from midstage.kit.clock import utc_now
from midstage.kit.database import Tx
from midstage.middle.catalogue import api as catalogue
from midstage.middle.organisation import api as organisation
from midstage.middle.pricing import api as pricing
from shop import PRICE_MINOR, STOCK_MILLI

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody

HEADERS = {"Content-Type": "text/csv"}


async def _file(somebody: "Somebody", path: str) -> tuple[list[dict[str, str]], bytes]:
    answer = await somebody.call("GET", path)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return [row.cells for row in read_table(answer.content).rows], answer.content


async def _bring(somebody: "Somebody", kind: str, body: bytes, mode: str = "all_or_nothing") -> dict[str, object]:
    answer = await somebody.call("POST", f"/imports/{kind}?mode={mode}", content=body, headers=HEADERS)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def _entries(console: "Console") -> str:
    """A price list with a price for each sku."""

    async def work(tx: Tx) -> str:
        draft = pricing.PriceListDraft("SALE", catalogue.Name("特价", "Sale"), "CNY", utc_now())
        made = await pricing.create_price_list(tx, draft)
        await pricing.set_entries(
            tx, made.price_list_id, [pricing.Entry(sku_id, 9_905) for sku_id in console.shop.skus]
        )
        return str(made.price_list_id)

    return await console.shop.database.attempt(console.shop.tenant, work)


async def test_stores_products_prices_and_members_go_out_as_the_imports_read_them(console: "Console") -> None:
    admin = await console.staff()
    stores, _ = await _file(admin, "/exports/stores")
    assert [row["code"] for row in stores] == [store.code for store in console.shop.stores]
    products, _ = await _file(admin, "/exports/products")
    assert {(row["category"], row["unit"], row["step"]) for row in products} == {("coats", "piece", "1")}
    assert len(products) == len(console.shop.skus)
    prices, _ = await _file(admin, "/exports/prices")
    assert f"{PRICE_MINOR / 100:.2f}" in {row["list_price"] for row in prices}
    people, _ = await _file(admin, "/exports/members")
    assert people[0]["phone"].startswith("+86")
    trail = await admin.get("/audit", subject_type="brand")
    assert "members.export" in {entry["action"] for entry in trail["items"]}


async def test_prices_and_entries_come_back_in(console: "Console") -> None:
    admin = await console.staff()
    price_list_id = await _entries(console)
    prices, body = await _file(admin, "/exports/prices")
    done = await _bring(admin, "prices", body)
    assert (done["rows"], done["written"], done["bad"]) == (len(prices), len(prices), [])
    rows, body = await _file(admin, f"/exports/entries/{price_list_id}")
    assert {row["price"] for row in rows} == {"99.05"}
    done = await _bring(admin, "entries", body.replace(b"99.05", b"88.00"))
    assert done["written"] == len(rows)
    assert {entry["unit_minor"] for entry in (await admin.get(f"/price-lists/{price_list_id}/entries"))["items"]} == {
        8_800
    }


async def test_a_manager_sends_out_and_counts_the_stock_of_one_store(console: "Console") -> None:
    manager = await console.of_store(0)
    mine, other = console.shop.stores
    rows, _ = await _file(manager, "/exports/stock")
    assert {row["store_code"] for row in rows} == {mine.code}
    assert {row["quantity"] for row in rows} == {str(STOCK_MILLI // 1000)}
    assert await manager.refused("GET", f"/exports/stock?store_id={other.store_id}") == (404, "out_of_scope")
    assert await manager.refused("GET", f"/exports/members?store_id={other.store_id}") == (404, "out_of_scope")
    header = "store_code,sku_code,quantity,booking,reason\n"
    text = f"{header}{mine.code},P0-M,5,counted,盘点\n{other.code},P0-M,5,counted,盘点\n"
    done = await _bring(manager, "stock", text.encode(), "keep_good")
    assert (done["written"], done["bad_rows"]) == (1, 1)
    rows, _ = await _file(manager, f"/exports/stock?store_id={mine.store_id}")
    assert {row["quantity"] for row in rows if row["sku_code"] == "P0-M"} == {"5"}
    assert await console.shop.free(console.shop.skus[0]) == 5_000


async def test_a_file_comes_as_a_form_and_is_brought_in_once(console: "Console") -> None:
    admin = await console.staff()
    form = {"file": ("stores.csv", "code,name\nF1,表单店\n".encode(), "text/csv")}
    answers = [await admin.call("POST", "/imports/stores", files=form, key="one-file") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    assert answers[0].json()["written"] == 1
    other = {"file": ("stores.csv", b"code,name\nF2,x\n", "text/csv")}
    again = await admin.call("POST", "/imports/stores", files=other, key="one-file")
    assert (again.status_code, again.json()["code"]) == (409, "key_reused_with_other_body")
    assert (await admin.get("/stores", text="F2"))["items"] == []


async def test_a_form_that_is_none_or_has_no_file_is_refused(console: "Console") -> None:
    admin = await console.staff()
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    answer = await admin.call("POST", "/imports/stores", content=b"--y no form", headers=headers)
    assert (answer.status_code, answer.json()["code"]) in {(422, "file_unreadable"), (422, "file_missing")}
    answer = await admin.call("POST", "/imports/stores", files={"other": ("a.csv", b"code,name\n", "text/csv")})
    assert (answer.status_code, answer.json()["code"]) == (422, "file_missing")


async def test_what_a_spreadsheet_would_run_is_sent_as_text(console: "Console") -> None:
    admin = await console.staff()
    await admin.post("/stores", {"code": "EVIL", "name": "=1+1"}, status=201)
    _, body = await _file(admin, "/exports/stores")
    assert b"EVIL,'=1+1" in body
    assert [row["name"] for row in (await _file(admin, "/exports/stores"))[0] if row["code"] == "EVIL"] == ["=1+1"]


@pytest.mark.parametrize("kind", ["stores", "members"])
async def test_an_export_needs_its_permission(console: "Console", kind: str) -> None:
    role = "guide"
    guide = await console.staff(role, organisation.Scope(stores=frozenset({console.shop.store.store_id})))
    assert await guide.refused("GET", f"/exports/{kind}") == (403, "not_permitted")
