"""Rules for what is made up: ids, choices, phones, places. The same input gives the same answer, on any machine.

Nothing here draws a random number. An id is the hash of what it stands for, so a load that was cut off finds again
what it has done; a choice is a hash modulo the number of choices, so adding a store moves no other one.

Phones are of the range that the North American plan keeps for fiction: 555-0100 to 555-0199 in each area code. (China
keeps none, so the made-up Chinese brand has members with such numbers too: nobody can be called by accident.)
Barcodes begin with 2: GS1 leaves those to stores for use within their own walls, so no maker's product has one.
"""

import hashlib
import re
import zlib
from datetime import datetime
from functools import lru_cache
from uuid import UUID

MADE_UP = "made_up"
"""The tag, the profile field and the prefix of reasons by which everything made up says so."""

# Area codes of the states that the stores are put in.
AREA_CODES = (
    "216", "220", "234", "240", "248", "267", "276", "304", "313", "317", "330", "336", "404", "410", "412", "419",
    "423", "434", "440", "443", "502", "513", "517", "540", "567", "586", "606", "614", "615", "616", "678", "704",
    "706", "717", "724", "734", "740", "757", "770", "803",
)  # fmt: skip
FICTIONAL_A_CODE = 100

_SMALL_WORDS = {"and", "or", "of", "the", "for", "with", "no"}
_WORD = re.compile(r"[A-Za-z]+")


def digest(*parts: object) -> int:
    """128 bits that depend on the parts alone."""
    text = "\x1f".join(map(str, parts))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest())


def pick(choices: int, *parts: object) -> int:
    """A number from 0 to choices − 1."""
    return digest(*parts) % choices


def quick_pick(choices: int, *parts: int) -> int:
    """The same by a checksum, where it is asked for a million times."""
    return zlib.crc32(b"/".join(b"%d" % part for part in parts)) % choices


def made_id(*parts: object) -> UUID:
    """The id of a thing that the data knows by its own number (UUID version 8: made by our own rule)."""
    return _shaped(digest(*parts), version=8)


def past_id(at: datetime, *parts: object) -> UUID:
    """The id of something that happened: it begins with its moment as a UUIDv7 does, so an index grows at its end."""
    return past_id_ms(int(at.timestamp() * 1000), *parts)


def past_id_ms(at_ms: int, *parts: object) -> UUID:
    """The same, of a moment in milliseconds since 1970."""
    return _shaped(at_ms << 80 | digest(*parts) & ((1 << 80) - 1), version=7)


def phone(serial: int) -> str:
    """The phone of the serial-th person, in E.164; there are 4,000 of them."""
    code, line = divmod(serial, FICTIONAL_A_CODE)
    return f"+1{AREA_CODES[code]}55501{line:02d}"


def store_barcode(number: int, check_digit: str) -> str:
    """A number of 13 digits for use in the brand's own stores; see `barcode_body`."""
    return barcode_body(number) + check_digit


def barcode_body(number: int) -> str:
    """What the check digit of a made-up barcode is computed of."""
    return f"2{number:011d}"


@lru_cache(maxsize=8192)  # a few thousand kinds of goods name all products
def readable(text: str) -> str:
    """The shouting of a till put into small letters: "FRZN ICE" is "Frzn Ice"; units such as 6PK stay."""
    spaced = " ".join(text.split())
    words = _WORD.sub(lambda found: _cased(found.group()), spaced)
    return words[:1].upper() + words[1:]


def _cased(word: str) -> str:
    lowered = word.lower()
    return lowered if lowered in _SMALL_WORDS else lowered.capitalize()


def _shaped(bits: int, *, version: int) -> UUID:
    bits &= ~(0xF << 76 | 0x3 << 62)
    return UUID(int=bits | version << 76 | 0x2 << 62)
