"""Barcodes: their check digits, and the one form under which different prints of a number are the same.

Source: GS1 General Specifications, 7.9 (check digit) and 2.1.11 (restricted circulation numbers).
"""

import re

from midstage.middle.catalogue.refusals import BarcodeWrong
from midstage.middle.catalogue.types import (
    Barcode,
    BarcodeKind,
)

LENGTHS = {BarcodeKind.EAN8: 8, BarcodeKind.UPCA: 12, BarcodeKind.EAN13: 13, BarcodeKind.GTIN14: 14}
MAX_MILLI = 1_000_000_000
_STORE = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z._/-]{0,30}[0-9A-Za-z])?")
_DIGITS = re.compile(r"[0-9]+")  # not str.isdigit(): that takes in other scripts' digits


def check_digit(body: str) -> str:
    """The digit that follows the body: weights 3 and 1 from the right."""
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(reversed(body)))
    return str(-total % 10)


def is_gtin(code: str) -> bool:
    """Whether this has the length and the check digit of a GTIN."""
    return len(code) in LENGTHS.values() and bool(_DIGITS.fullmatch(code)) and check_digit(code[:-1]) == code[-1]


def is_restricted(code: str) -> bool:
    """Whether a GTIN's prefix is left to stores (weighed goods and their own numbers): no maker has it."""
    if len(code) == LENGTHS[BarcodeKind.EAN8]:
        return code[0] in "02"
    return code.zfill(14)[1:3] in {"02", "04"} or code.zfill(14)[1] == "2"


def place(barcode: Barcode) -> tuple[str, str]:
    """The space and key of a barcode: an EAN-13 that begins with 0 is the UPC-A without it.

    Raises BarcodeWrong where length, characters, check digit or prefix do not fit the kind.
    """
    code, kind = barcode.code, barcode.kind
    if not 0 < barcode.milli <= MAX_MILLI:
        raise BarcodeWrong(code, kind.value)
    if kind is BarcodeKind.STORE:
        if not _STORE.fullmatch(code):
            raise BarcodeWrong(code, kind.value)
        return "store", code.upper()
    if len(code) != LENGTHS[kind] or not is_gtin(code) or is_restricted(code):
        raise BarcodeWrong(code, kind.value)
    return "gtin", code.zfill(14)


def places(scanned: str) -> list[tuple[str, str]]:
    """Under which spaces and keys a scanned code may be found, the maker's number first."""
    code = scanned.strip()
    keys = [("gtin", code.zfill(14))] if is_gtin(code) else []
    return [*keys, ("store", code.upper())]


def fits(barcode: Barcode) -> bool:
    """Whether a barcode is one of its kind."""
    try:
        place(barcode)
    except BarcodeWrong:
        return False
    return True
