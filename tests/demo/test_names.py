"""What is made up is made up the same way each time, and can harm nobody."""

import re
from datetime import UTC, datetime

from midstage.demo import names, places
from midstage.demo.grocer import city_of, operator_of
from midstage.middle.catalogue import api as catalogue
from midstage.middle.identity import api as identity


def test_ids_depend_on_what_they_stand_for_alone() -> None:
    assert names.made_id("journey", "store", 330) == names.made_id("journey", "store", 330)
    assert names.made_id("journey", "store", 330) != names.made_id("journey", "store", 331)
    assert str(names.made_id("journey", "store", 330)) == "69c99c9e-db84-8a05-912b-bc3cb02c4b56"
    assert names.made_id("a", 1).version == 8


def test_ids_of_the_past_are_in_the_order_of_their_moments() -> None:
    earlier = names.past_id(datetime(2017, 3, 1, tzinfo=UTC), "journey", 2)
    later = names.past_id(datetime(2017, 3, 2, tzinfo=UTC), "journey", 1)
    assert earlier < later
    assert later.version == 7


def test_phones_are_all_different_and_all_of_the_fictional_range() -> None:
    phones = [names.phone(serial) for serial in range(4_000)]
    assert len(set(phones)) == 4_000
    for phone in phones:
        assert re.fullmatch(r"\+1[2-9]\d{2}55501\d{2}", phone)
        assert identity.identifier(identity.IdentifierKind.PHONE, phone).value == phone


def test_barcodes_are_such_as_only_a_store_gives_out() -> None:
    body = names.barcode_body(18_316_298)
    code = names.store_barcode(18_316_298, catalogue.check_digit(body))
    assert len(code) == 13
    assert code[0] == "2"
    assert catalogue.is_gtin(code)


def test_shouting_is_put_into_small_letters() -> None:
    assert names.readable("CHARCOAL AND LIGHTER FLUID") == "Charcoal and Lighter Fluid"
    assert names.readable("CHRISTMAS  SEASONAL") == "Christmas Seasonal"


def test_stores_spread_over_all_cities_and_operators() -> None:
    assert len({city_of(number).code for number in range(500)}) == len(places.CITIES)
    own = sum(operator_of(number) is None for number in range(1_000))
    assert 550 <= own <= 650
    assert {city.region for city in places.CITIES} == set(places.REGIONS)
