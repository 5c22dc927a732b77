"""Check digits, kinds and the one form under which prints of a number are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from midstage.middle.catalogue import barcodes
from midstage.middle.catalogue.refusals import BarcodeWrong
from midstage.middle.catalogue.types import (
    Barcode,
    BarcodeKind,
)

DIGITS = st.text("0123456789", min_size=7, max_size=13)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (BarcodeKind.EAN13, "6901234567892"),
        (BarcodeKind.EAN13, "4006381333931"),
        (BarcodeKind.EAN8, "73513537"),
        (BarcodeKind.UPCA, "036000291452"),
        (BarcodeKind.GTIN14, "16901234567899"),
    ],
)
def test_real_barcodes_pass_and_any_single_slip_is_caught(kind: BarcodeKind, code: str) -> None:
    assert barcodes.place(Barcode(kind, code)) == ("gtin", code.zfill(14))
    for place, digit in enumerate(code):
        slipped = code[:place] + str((int(digit) + 1) % 10) + code[place + 1 :]
        with pytest.raises(BarcodeWrong):
            barcodes.place(Barcode(kind, slipped))


@given(DIGITS)
def test_a_body_with_its_check_digit_is_a_gtin_and_no_other_digit_is(body: str) -> None:
    right = barcodes.check_digit(body)
    is_length = len(body) + 1 in barcodes.LENGTHS.values()
    assert barcodes.is_gtin(body + right) == is_length
    assert not any(barcodes.is_gtin(body + digit) for digit in "0123456789" if digit != right)


@given(st.text("0123456789", min_size=11, max_size=11))
def test_leading_zeros_do_not_change_the_check_digit(body: str) -> None:
    assert barcodes.check_digit(body) == barcodes.check_digit("00" + body)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (BarcodeKind.EAN13, "690123456789"),  # too short
        (BarcodeKind.EAN13, "690123456789X"),
        (BarcodeKind.EAN13, "６９０１２３４５６７８９２"),  # full-width digits
        (BarcodeKind.EAN8, "6901234567892"),  # of another kind
        (BarcodeKind.EAN13, "2112345678900"),  # a store's own prefix
        (BarcodeKind.EAN8, "02345673"),
        (BarcodeKind.STORE, ""),
        (BarcodeKind.STORE, "a b"),
        (BarcodeKind.STORE, "-1"),
        (BarcodeKind.STORE, "x" * 33),
    ],
)
def test_what_is_not_of_its_kind_is_refused(kind: BarcodeKind, code: str) -> None:
    with pytest.raises(BarcodeWrong):
        barcodes.place(Barcode(kind, code))


def test_store_codes_are_free_under_their_declared_kind() -> None:
    weighed = "21123456" + "0500"
    code = weighed + barcodes.check_digit(weighed)
    assert barcodes.place(Barcode(BarcodeKind.STORE, code)) == ("store", code)
    assert barcodes.place(Barcode(BarcodeKind.STORE, "yz-7")) == ("store", "YZ-7")
    assert barcodes.places(code) == [("gtin", code.zfill(14)), ("store", code)]


@pytest.mark.parametrize("milli", [0, -1, barcodes.MAX_MILLI + 1])
def test_a_scan_is_some_quantity(milli: int) -> None:
    with pytest.raises(BarcodeWrong):
        barcodes.place(Barcode(BarcodeKind.EAN8, "73513537", milli))
