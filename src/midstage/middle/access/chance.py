"""What nobody can guess."""

import secrets

from midstage.kit.ids import BrandId
from midstage.middle.access import rules
from midstage.middle.access.types import Token

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def new_token(brand: BrandId) -> Token:
    """A token that nobody can guess, with its brand in front so that it is looked for in the right place."""
    return Token(f"{_base36(brand)}.{secrets.token_urlsafe(32)}")


def new_key(brand: BrandId, *, test: bool) -> Token:
    """The secret of an API key: a token that says what it is."""
    return Token((rules.KEY_TEST if test else rules.KEY_LIVE) + new_token(brand))


def new_code() -> str:
    """Six digits."""
    return f"{secrets.randbelow(1_000_000):06d}"


def _base36(number: int) -> str:
    text = ""
    while number:
        number, digit = divmod(number, 36)
        text = _DIGITS[digit] + text
    return text or "0"
