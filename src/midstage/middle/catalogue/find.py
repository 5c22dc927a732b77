"""Finding products: by text, by what they are, one page after another."""

from collections.abc import Sequence

from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest, cursor
from midstage.middle.catalogue import lexemes, store
from midstage.middle.catalogue.listing_types import Selling
from midstage.middle.catalogue.policy import GOODS
from midstage.middle.catalogue.types import (
    Listed,
    ProductFilters,
    Sort,
)
from midstage.middle.organisation import api as organisation

_EVERYTHING = ProductFilters()
_FIRST = PageRequest()


async def search(
    tx: Tx, text: str, filters: ProductFilters = _EVERYTHING, page: PageRequest = _FIRST, *, at: Selling | None = None
) -> Page[Listed]:
    """Products whose names, trademark, categories, tags, options or codes hold every part of the text; one statement.

    Chinese is found by any piece of it, other words by their beginnings. Nearest first: the name (or code) is the text,
    begins with it, holds it, then everything else; within that the shorter name, then the older product. A text without
    a letter or digit in it finds everything, newest first. With `at` only what is sold there. Raises SearchTooLong,
    BadCursor.
    """
    marks = store.marks_of(tx, filters)
    query = lexemes.query(text, marks)
    if query is None:
        return await products(tx, filters, page, at=at)
    return _page(page, await store.search(tx, query, filters.state, await _whose(tx, filters, at), page))


async def products(
    tx: Tx,
    filters: ProductFilters = _EVERYTHING,
    page: PageRequest = _FIRST,
    *,
    sort: Sort = Sort.NEWEST,
    at: Selling | None = None,
) -> Page[Listed]:
    """Products that pass the filters: newest first, or as they were changed (to follow along); one statement.

    With `at` only what is sold there, under the goods policy that holds there.
    """
    only_state = filters == ProductFilters(state=filters.state, owner=filters.owner)
    marks = "" if only_state else lexemes.marked(store.marks_of(tx, filters))
    return _page(page, await store.list_products(tx, filters.state, marks, sort, await _whose(tx, filters, at), page))


async def _whose(tx: Tx, filters: ProductFilters, at: Selling | None) -> store.Whose:
    policy = await organisation.settings_of(tx, GOODS, at.store) if at else GOODS.settings()
    return store.Whose(at, policy, filters.owner)


def _page(page: PageRequest, rows: Sequence[tuple[tuple[object, ...], Listed]]) -> Page[Listed]:
    shown = rows[: page.limit]
    following = cursor(shown[-1][0]) if len(rows) > page.limit else None
    return Page([listed for _, listed in shown], following)
