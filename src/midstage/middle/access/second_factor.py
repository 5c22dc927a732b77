"""The second factor of staff: a time-based one-time password (RFC 6238) in an app, and ten codes for when it is lost.

A code is taken in the transaction of what it lets happen, and its step remembered, so it is good once. Guesses count
with the wrong passwords of the same login.
"""

import base64
import hashlib
import hmac
import io
import secrets
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
import segno
from pyotp.hotp import HOTP
from pyotp.totp import TOTP

from midstage.kit import sealing
from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.middle.access import passwords
from midstage.middle.access.policy import SIGN_IN, SignInPolicy
from midstage.middle.access.store import factors
from midstage.middle.access.types import Next, RoleGrant
from midstage.middle.organisation import api as organisation

STEP_S = 30
DRIFT = 1  # one step either way: a minute and a half of clocks that differ and of slow fingers
DIGITS = 6
SECRET_BYTES = 20  # RFC 4226: as long as the hash
RECOVERY_CODES = 10
BEGUN_LASTS = timedelta(minutes=15)
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RECOVERY_LENGTH = 10


class Enrolment(msgspec.Struct, frozen=True):
    """What an authenticator app takes: told once, until its first code confirms it."""

    secret: str
    uri: str
    qr_svg: str


class FactorState(msgspec.Struct, frozen=True):
    """Whether somebody has a second factor, and how many recovery codes are left."""

    enabled: bool
    confirmed_at: datetime | None
    recovery_left: int
    required: bool


class Typed(msgspec.Struct, frozen=True):
    """A code as it was typed, made ready outside of the transaction that takes it."""

    code: str
    recovery: bytes | None


def required_of(policy: SignInPolicy, grants: list[RoleGrant]) -> bool:
    """Whether a role of somebody needs a second factor."""
    return any(grant.role in policy.second_factor_roles for grant in grants)


async def has_factor(tx: Tx, staff_id: UUID) -> bool:
    """Whether somebody has a second factor that works."""
    row = await factors.read(tx, staff_id)
    return row is not None and row["secret"] is not None


async def state_of(tx: Tx, staff_id: UUID, grants: list[RoleGrant]) -> FactorState:
    """What somebody sees of their own second factor."""
    row = await factors.read(tx, staff_id)
    policy = await organisation.settings_of(tx, SIGN_IN)
    return FactorState(
        enabled=row is not None and row["secret"] is not None,
        confirmed_at=row["confirmed_at"] if row else None,
        recovery_left=await factors.codes_left(tx, staff_id),
        required=required_of(policy, grants),
    )


async def next_of(tx: Tx, staff_id: UUID, grants: list[RoleGrant], *, fit_alone: bool) -> Next:
    """What is left to do for somebody whose password was right."""
    if await has_factor(tx, staff_id):
        return Next.CODE
    if required_of(await organisation.settings_of(tx, SIGN_IN), grants):
        return Next.ENROL
    return Next.NOTHING if fit_alone else Next.RENEW


async def ready(brand: BrandId, staff_id: UUID, typed: str) -> Typed:
    """Make a typed code ready: a recovery code is hashed, which takes its time, before the transaction."""
    plain = typed.replace(" ", "").replace("-", "").upper()
    if len(plain) == _RECOVERY_LENGTH:
        return Typed("", await passwords.hash_recovery(_spelled(plain), _salt(brand, staff_id)))
    return Typed(plain, None)


async def take(tx: Tx, staff_id: UUID, typed: Typed) -> bool:
    """Use a code up; False where it is wrong, over, or was used."""
    if typed.recovery is not None:
        return await factors.take_code(tx, staff_id, typed.recovery)
    row = await factors.read(tx, staff_id)
    if row is None or row["secret"] is None:
        return False
    step = _step_of(unsealed(tx.brand, staff_id, row["secret"]), typed.code, tx.now)
    return step is not None and await factors.take_step(tx, staff_id, row["secret"], step)


async def begin(tx: Tx, staff_id: UUID, login: str) -> Enrolment:
    """Make a secret that counts once its first code is given."""
    secret = base64.b32encode(secrets.token_bytes(SECRET_BYTES)).decode()
    await factors.begin(tx, staff_id, sealing.seal(secret.encode(), _about(tx.brand, staff_id)))
    uri = TOTP(secret).provisioning_uri(name=login, issuer_name=(await organisation.brand(tx)).name)
    drawn = io.BytesIO()
    segno.make(uri, micro=False).save(drawn, kind="svg", scale=4, xmldecl=False)
    return Enrolment(secret, uri, drawn.getvalue().decode())


async def is_first(tx: Tx, staff_id: UUID, code: str) -> bool:
    """Whether this is a code of a secret that waits to be confirmed."""
    row = await factors.read(tx, staff_id)
    if row is None or row["pending"] is None:
        return False
    return _step_of(unsealed(tx.brand, staff_id, row["pending"]), code.strip(), tx.now) is not None


async def confirm(tx: Tx, staff_id: UUID, code: str) -> bool:
    """Let a secret count from now on; False where the code is not of it, or it was begun too long ago."""
    row = await factors.read(tx, staff_id)
    if row is None or row["pending"] is None:
        return False
    step = _step_of(unsealed(tx.brand, staff_id, row["pending"]), code.strip(), tx.now)
    return step is not None and await factors.confirm(tx, staff_id, row["pending"], step, tx.now - BEGUN_LASTS)


async def recovery_codes(brand: BrandId, staff_id: UUID) -> tuple[list[str], list[bytes]]:
    """New recovery codes: as they are told once, and as they are kept. Computed before the transaction."""
    told = ["".join(secrets.choice(_ALPHABET) for _ in range(_RECOVERY_LENGTH)) for _ in range(RECOVERY_CODES)]
    kept = [await passwords.hash_recovery(code, _salt(brand, staff_id)) for code in told]
    return [f"{code[:5]}-{code[5:]}" for code in told], kept


def unsealed(brand: BrandId, staff_id: UUID, sealed: bytes) -> str:
    """A secret as the app has it."""
    return sealing.unseal(sealed, _about(brand, staff_id)).decode()


def _step_of(secret: str, code: str, at: datetime) -> int | None:
    """The step of which this is the code, of those around now; all are looked at, whatever they hold."""
    if len(code) != DIGITS or not (code.isascii() and code.isdecimal()):
        return None
    now = int(at.timestamp()) // STEP_S
    made = HOTP(secret, digits=DIGITS)
    right = [step for step in range(now - DRIFT, now + DRIFT + 1) if hmac.compare_digest(made.at(step), code)]
    return right[-1] if right else None


def _about(brand: BrandId, staff_id: UUID) -> bytes:
    return f"second_factor:{brand}:{staff_id}".encode()


def _salt(brand: BrandId, staff_id: UUID) -> bytes:
    return hashlib.sha256(f"recovery:{brand}:{staff_id}".encode()).digest()[:16]


def _spelled(code: str) -> str:
    """O, I and L are not in the alphabet: who reads them means 0 and 1."""
    return code.translate(str.maketrans("OIL", "011"))
