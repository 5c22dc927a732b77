"""Pure decisions of access: hashes of tokens and codes, passwords that are good enough, when a lock ends."""

import hashlib
import hmac
import itertools
import re
from datetime import datetime, timedelta

from midstage.kit.ids import BrandId
from midstage.middle.access.types import BadLasting, BadLogin, BadRole, PinWeak, Role

SECRET_LENGTH = 43  # of url-safe characters: 256 bits
KEY_LIVE, KEY_TEST = "mst_live_", "mst_test_"
_SHOWN = 4  # characters of a secret that are kept to know it by: 24 of its 256 bits

LOCK_AFTER = 5
LOCK_WINDOW = timedelta(minutes=15)
CODE_LASTS = timedelta(minutes=5)
CODE_PAUSE = timedelta(minutes=1)
CODE_TRIES = 5
CODES_A_DAY = 10
DAY = timedelta(days=1)
APPROVALS_KEPT = timedelta(days=30)  # those that nobody used; the trail keeps what was said
READS_KEPT = timedelta(days=3 * 366)  # as long as a processing of personal data has to be provable
READS_AT_ONCE = 20_000
LONGEST = timedelta(days=366)

_LOGIN = re.compile(r"[a-z0-9][a-z0-9._@-]{1,99}")
_PIN = re.compile(r"[0-9]{6,12}")
_ROLE = re.compile(r"[a-z][a-z0-9_]{0,59}")


def brand_of_token(token: str) -> BrandId | None:
    """The brand that a token or the secret of a key says it is of; None where it has not the shape of one."""
    number, dot, secret = token.removeprefix(KEY_LIVE).removeprefix(KEY_TEST).partition(".")
    if (
        not dot
        or len(secret) != SECRET_LENGTH
        or not 1 <= len(number) <= 7
        or not number.isascii()
        or not number.isalnum()
    ):
        return None
    value = int(number, 36)
    return BrandId(value) if value < 2**31 else None


def is_key(token: str) -> bool:
    """Whether a token is the secret of an API key."""
    return token.startswith((KEY_LIVE, KEY_TEST))


def prefix_of(secret: str) -> str:
    """How the secret of a key begins; what is left to guess stays beyond guessing."""
    return secret[: secret.index(".") + 1 + _SHOWN]


def hash_of(secret: str) -> bytes:
    """What is stored of a token or key: it has 256 random bits, so one round of SHA-256 is enough."""
    return hashlib.sha256(secret.encode()).digest()


def phone_hash(brand: BrandId, phone: str) -> bytes:
    """Where a phone's codes are counted."""
    return hashlib.sha256(f"{brand}\0{phone}".encode()).digest()


def code_key(of_phone: bytes, purpose: str) -> bytes:
    """Where a phone's code of a purpose is kept."""
    return hmac.digest(of_phone, purpose.encode(), "sha256")


def code_hash(key: bytes, code: str) -> bytes:
    """A code has a million values, so its hash is bound to its phone; five tries and five minutes guard the rest."""
    return hmac.digest(key, code.encode(), "sha256")


def login_name(text: str) -> str:
    """A login as it is stored: case and blanks around it do not matter. Raises BadLogin."""
    name = text.strip().lower()
    if not _LOGIN.fullmatch(name):
        raise BadLogin
    return name


def try_key(text: str) -> bytes:
    """Where the wrong passwords of a name are counted; what was typed may be a password, so it is not kept."""
    return hashlib.sha256(text.strip().lower().encode()).digest()


def check_role(role: Role) -> None:
    """Raises BadRole."""
    if not (_ROLE.fullmatch(role.code) and role.name_zh.strip() and role.name_en.strip()):
        raise BadRole(role.code[:80])


def check_lasting(lasts: timedelta) -> None:
    """Raises BadLasting."""
    if not timedelta(seconds=1) <= lasts <= LONGEST:
        raise BadLasting


def check_pin(pin: str) -> None:
    """Raises PinWeak for what is no number of 6 to 12 digits, or one that everybody tries first."""
    steps = {int(after) - int(before) for before, after in itertools.pairwise(pin)} if _PIN.fullmatch(pin) else {0}
    if len(steps) == 1 and steps <= {-1, 0, 1}:
        raise PinWeak


def seconds_until(moment: datetime, now: datetime) -> int:
    """Whole seconds to wait, at least one."""
    return max(1, int((moment - now).total_seconds()) + 1)
