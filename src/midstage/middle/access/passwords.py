"""Passwords as argon2 hashes, made off the event loop and outside of transactions."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.low_level import Type, hash_secret_raw

from midstage.middle.access import password_rules
from midstage.middle.access.blocklist import Blocklist
from midstage.middle.access.types import PasswordCommon, PasswordHash

# RFC 9106, second recommended option: 64 MiB, 3 passes; about 60 ms.
HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
_at_once = asyncio.Semaphore(4)  # 64 MiB each: a flood of sign-ins waits instead of filling the memory

# Looked at where nobody has the login, so that the answer takes as long as for a known one. Of a random password
# that nobody kept.
NOBODY = PasswordHash(
    "$argon2id$v=19$m=65536,t=3,p=1$+P6mwl4FneT/WppnKKjtlw$VSBsRvOyiJeXhuNRLtAf69ftkfut3uN0jR0+g/Bi4v0"
)


async def hash_password(
    password: str,
    *,
    login: str = "",
    known: Sequence[str] = (),
    shortest: int = password_rules.SHORTEST_ALONE,
) -> PasswordHash:
    """Make of a password what may be stored; done before a transaction is opened. Raises PasswordWeak in its kinds.

    `known` are words that go with its owner; `shortest` is what the brand asks for, see passwords_of.
    """
    password_rules.check_password(password, known=(login.strip(), *known), shortest=shortest)
    text = password_rules.normal(password)
    if _leaked is not None and await asyncio.to_thread(_leaked.has, text):
        raise PasswordCommon
    async with _at_once:
        return PasswordHash(await asyncio.to_thread(HASHER.hash, text))


_leaked: Blocklist | None = None


def use_blocklist(path: Path | None) -> None:
    """Refuse the passwords of a file from now on; None refuses those of our own list alone. Raises BadSettingsError."""
    global _leaked  # noqa: PLW0603  # a process has one list, as it has one environment
    _leaked = None if path is None else Blocklist(path)


async def rehash(password: str) -> PasswordHash:
    """A hash of today's parameters for a password that was right; it is not judged anew."""
    async with _at_once:
        return PasswordHash(await asyncio.to_thread(HASHER.hash, password_rules.normal(password)))


async def hash_recovery(code: str, salt: bytes) -> bytes:
    """Make of a recovery code what may be stored, the same each time, so that one computation finds it among ten."""
    async with _at_once:
        return await asyncio.to_thread(
            hash_secret_raw, code.encode(), salt, HASHER.time_cost, HASHER.memory_cost, 1, 32, Type.ID
        )


async def hash_pin(pin: str) -> PasswordHash:
    """Make of a PIN what may be stored; rules.check_pin has looked at it."""
    async with _at_once:
        return PasswordHash(await asyncio.to_thread(HASHER.hash, pin))


async def verify(hashed: PasswordHash, password: str) -> bool:
    """Whether it is the right password; one that was set before we normalised is right as it was typed then."""
    normal = password_rules.normal(password)
    async with _at_once:
        return await asyncio.to_thread(_matches, hashed, normal) or (
            normal != password and await asyncio.to_thread(_matches, hashed, password)
        )


def is_dated(hashed: PasswordHash) -> bool:
    """Whether the hash was made with other parameters than today's."""
    return HASHER.check_needs_rehash(hashed)


def _matches(hashed: PasswordHash, password: str) -> bool:
    try:
        return HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def check_is_hash(given: PasswordHash) -> None:
    """A password itself must never come as far as a statement; it is hashed before the transaction."""
    if not given.startswith("$argon2id$"):
        raise TypeError("make the hash before the transaction: password = await access.hash_password(text, login=…)")
