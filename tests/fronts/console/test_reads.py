"""Who looked at personal data: every answer that shows it is on record, one that masks it is not."""

import re
from typing import TYPE_CHECKING, Any, cast

import msgspec.inspect as mi
import pytest

from fronts.conftest import PASSWORD
from midstage.app import create_app
from midstage.fronts._http.calls import Forms
from midstage.fronts._http.shown import Shows
from midstage.fronts.console.member_views import IdentifierView, MemberDetail, MemberRow
from midstage.kit.paging import Page
from midstage.kit.settings import read_settings
from midstage.middle.members import api as members
from midstage.middle.orders import api as orders

if TYPE_CHECKING:
    from fronts.conftest import Console, Somebody

PERSONAL_NAMES = re.compile(r"phone|recipient|e_?mail|birthday|id_card|openid")


async def _reads(admin: "Somebody", path: str = "/personal-reads", **query: Any) -> list[tuple[str, list[str]]]:
    return [(one["call"], one["fields"]) for one in (await admin.get(path, **query))["items"]]


async def test_a_member_shown_with_her_phone_is_on_record_and_masked_she_is_not(console: "Console") -> None:
    admin, reader, guide = await console.staff(), await console.of_store(), await console.of_store(role="guide")
    member = console.shop.member
    path = f"/members/{member.member_id}/reads"
    shown = await reader.get(f"/members/{member.member_id}")
    assert "*" not in shown["identifiers"][0]["value"]
    masked = await guide.get(f"/members/{member.member_id}")
    assert "*" in masked["identifiers"][0]["value"]
    await reader.get("/members")
    assert await _reads(admin, path) == [("console.member", ["value"])]
    [read] = (await admin.get(path))["items"]
    assert read["by"] == {"kind": "staff", "id": str(reader.staff_id)}
    assert await reader.refused("GET", path) == (403, "not_permitted")


async def test_searching_for_a_phone_is_on_record_whether_somebody_has_it_or_not(console: "Console") -> None:
    admin, reader = await console.staff(), await console.of_store(role="guide")
    assert await reader.refused("POST", "/members/find", {"kind": "phone", "value": "13911112222"}) == (
        404,
        "out_of_scope",
    )
    assert await _reads(admin, by_id=str(reader.staff_id)) == [("console.find_member", ["search"])]
    [read] = (await admin.get("/personal-reads", by_id=str(reader.staff_id)))["items"]
    assert (read["member_id"], read["persons"]) == (None, 0)


async def test_a_file_of_members_is_on_record_with_how_many_it_held(console: "Console") -> None:
    admin = await console.staff()
    member = console.shop.member
    answer = await admin.call("GET", "/exports/members")
    assert answer.text.count("\n") == 2
    found = (await admin.get(f"/members/{member.member_id}/reads"))["items"]
    assert [(one["call"], one["persons"], one["member_id"]) for one in found] == [("console.export_members", 1, None)]


async def test_the_address_of_an_order_is_on_record_and_an_order_without_one_is_not(console: "Console") -> None:
    admin = await console.staff()
    address = orders.Address("王芳", "+8613900001111", "上海市徐汇区 1 号")
    delivery = orders.Delivery(orders.Method.DELIVERY, address)
    sent = await console.shop.place(1, delivery=delivery)
    fetched = await console.shop.place(1)
    for placed in (sent, fetched):
        await admin.get(f"/orders/{placed.order.order_id}")
    assert await _reads(admin, by_id=str(admin.staff_id)) == [("console.order", ["phone", "recipient", "text"])]
    assert len(await _reads(admin, order_id=str(sent.order.order_id))) == 1
    assert await _reads(admin, order_id=str(fetched.order.order_id)) == []


async def test_only_who_audits_the_whole_brand_sees_every_read(console: "Console") -> None:
    auditor = await console.of_store(role="auditor")
    assert await auditor.refused("GET", "/personal-reads") == (403, "needs_whole_brand")
    far = await console.shop.new_member(store_id=console.shop.stores[1].store_id)
    assert await auditor.refused("GET", f"/members/{far.member_id}/reads") == (404, "out_of_scope")
    assert PASSWORD not in str(await auditor.get(f"/members/{console.shop.member.member_id}/reads"))


@pytest.mark.parametrize(
    ("kind", "shows"),
    [
        (MemberDetail, True),
        (list[IdentifierView], True),
        (members.Member, True),
        (orders.OrderDetail, True),
        (Page[members.Member], True),
        (Page[MemberRow], False),
        (None, False),
        (dict[str, int], False),
    ],
)
def test_what_an_answer_may_show_is_read_off_its_type(kind: Any, shows: bool) -> None:  # noqa: FBT001  # a parameter of the test
    assert Shows(kind).anything is shows
    assert kind is None or mi.type_info(kind)


# Answers that hold such a field masked, or of somebody who is no shopper: looked at by hand, each with its reason.
MASKED_OR_STAFF: dict[str, str] = {
    "Staff.phone": "of staff, shown to those who hire them",
    "DormantRow.phone": "masked",
    "Brand.phone_prefix": "of nobody",
}


def test_no_answer_holds_a_phone_or_address_that_no_type_marks_as_personal() -> None:
    """Such a field is marked where it is declared, so that who sees it is on record."""
    unmarked: set[str] = set()
    for route in create_app(read_settings({})).routes:
        if not route.path.startswith(("/v1/console", "/v1/counter", "/v1/open")):
            continue
        for handler in cast("list[Any]", getattr(route, "route_handlers", [])):
            forms: Forms | None = handler.opt.get("forms")
            if forms is not None and forms.gives not in {None, type(None)}:
                _look(mi.type_info(forms.gives), unmarked, set())
    assert unmarked - set(MASKED_OR_STAFF) == set()


def _look(kind: mi.Type, unmarked: set[str], seen: set[type]) -> None:
    if isinstance(kind, mi.Metadata):
        _look(kind.type, unmarked, seen)
    elif isinstance(kind, mi.UnionType):
        for one in kind.types:
            _look(one, unmarked, seen)
    elif isinstance(kind, mi.CollectionType):
        _look(kind.item_type, unmarked, seen)
    elif isinstance(kind, mi.DictType):
        _look(kind.value_type, unmarked, seen)
    elif isinstance(kind, mi.StructType) and kind.cls not in seen:
        seen.add(kind.cls)
        for field in kind.fields:
            if PERSONAL_NAMES.search(field.name) and not _marked(field.type) and _is_text(field.type):
                unmarked.add(f"{kind.cls.__name__}.{field.name}")
            _look(field.type, unmarked, seen)


def _marked(kind: mi.Type) -> bool:
    if isinstance(kind, mi.Metadata):
        return bool(cast("Any", kind).extra) or _marked(kind.type)
    return isinstance(kind, mi.UnionType) and any(_marked(one) for one in kind.types)


def _is_text(kind: mi.Type) -> bool:
    if isinstance(kind, mi.Metadata):
        return _is_text(kind.type)
    return isinstance(kind, mi.StrType) or (isinstance(kind, mi.UnionType) and any(_is_text(one) for one in kind.types))
