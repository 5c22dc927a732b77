"""The page of the API shows every call, and asks nobody else for anything."""

import re
from html.parser import HTMLParser

import httpx

from midstage.app import create_app
from midstage.fronts._http.docs import page_of
from midstage.fronts._http.openapi import document
from midstage.kit.settings import read_settings

API = document(create_app(read_settings({})))
PAGE = page_of(API)
VOID = {"meta", "link", "input", "br", "wbr"}


class Reader(HTMLParser):
    """Collects ids, links and what would be loaded, and sees whether tags close."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links += [given["href"] or ""] if tag == "a" else []
        self.loads += [given[name] or "" for name in ("src", "srcset", "action", "data") if name in given]
        self.loads += [given["href"] or ""] if tag == "link" else []
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())


def _read() -> Reader:
    reader = Reader()
    reader.feed(PAGE)
    return reader


def test_it_is_well_formed() -> None:
    reader = _read()
    assert reader.open == []
    assert len(reader.ids) == len(set(reader.ids))


def test_every_call_and_schema_has_an_anchor_and_no_link_leads_nowhere() -> None:
    reader = _read()
    ids = set(reader.ids)
    assert {call["operationId"] for item in API["paths"].values() for call in item.values()} <= ids
    shown = {f"schema-{name}" for name in API["components"]["schemas"] if not name.endswith("Problem")}
    assert shown <= ids
    assert {link for link in reader.links if link.removeprefix("#") not in ids} <= {"/openapi.json"}


def test_it_loads_nothing_from_outside() -> None:
    assert _read().loads == ["data:,"]
    assert not re.search(r"@import|url\(|fetch\(|XMLHttpRequest|//[a-z]", PAGE)


async def test_it_is_served_with_a_policy_that_lets_nothing_in(http: httpx.AsyncClient) -> None:
    answer = await http.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert answer.text == PAGE
