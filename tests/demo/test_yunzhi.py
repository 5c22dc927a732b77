"""The made-up brand is the same each time, and big enough for its stories."""

import hashlib

import msgspec

from midstage.demo import wardrobe
from midstage.demo.figures import GUIDES, MEMBERS, ORDERS, Figures
from midstage.demo.yunzhi import Yunzhi


def fingerprint(brand: Figures) -> str:
    """A digest of everything that is made up."""
    made = (brand.pieces, brand.guides, brand.customers, brand.receipts, brand.openings)
    return hashlib.sha256(msgspec.json.encode(made)).hexdigest()


def test_it_is_the_same_each_time() -> None:
    assert fingerprint(Figures()) == fingerprint(Figures())


def test_it_is_the_same_on_every_machine() -> None:
    assert fingerprint(Figures()).startswith("3a051365f05a26d6a6219e89")


def test_it_has_what_was_promised() -> None:
    brand = Figures()
    assert len(wardrobe.SHOPS) == 24
    assert len({shop.region for shop in wardrobe.SHOPS}) == 4
    assert len(wardrobe.OPERATORS) == 5
    assert {shop.operator for shop in wardrobe.SHOPS} - {None} == {code for code, _, _ in wardrobe.OPERATORS}
    assert len(brand.guides) == GUIDES == 70
    assert {shop.code for shop, _ in brand.guides} == {shop.code for shop in wardrobe.SHOPS}
    assert len(Yunzhi("http://a").drafts_of({})) == 240
    assert len({draft.name.zh for draft in Yunzhi("http://a").drafts_of({})}) == 240
    assert len(brand.customers) == MEMBERS == 3_000
    assert len(brand.receipts) == ORDERS == 6_000


def test_nobody_is_served_before_joining_or_brought_by_somebody_later() -> None:
    brand = Figures()
    for receipt in brand.receipts:
        assert receipt.at >= brand.customers[receipt.customer].joined_at
    for customer in brand.customers:
        assert customer.referrer is None or customer.referrer < customer.serial
        assert brand.guides[customer.guide][0] is customer.shop
