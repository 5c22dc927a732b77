"""Passwords as argon2 hashes, made off the event loop and outside of transactions."""

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from midstage.middle.access import rules
from midstage.middle.access.types import PasswordHash

# RFC 9106, second recommended option: 64 MiB, 3 passes; about 60 ms.
HASHER = PasswordHasher(time_cost=3, memory_cost=65536, parallelism=1)
_at_once = asyncio.Semaphore(4)  # 64 MiB each: a flood of sign-ins waits instead of filling the memory

# Looked at where nobody has the login, so that the answer takes as long as for a known one. Of a random password
# that nobody kept.
NOBODY = PasswordHash(
    "$argon2id$v=19$m=65536,t=3,p=1$+P6mwl4FneT/WppnKKjtlw$VSBsRvOyiJeXhuNRLtAf69ftkfut3uN0jR0+g/Bi4v0"
)


async def hash_password(password: str, *, login: str = "") -> PasswordHash:
    """Make of a password what may be stored; done before a transaction is opened. Raises PasswordWeak."""
    rules.check_password(password, login=login.strip())
    async with _at_once:
        return PasswordHash(await asyncio.to_thread(HASHER.hash, password))


async def hash_pin(pin: str) -> PasswordHash:
    """Make of a PIN what may be stored; rules.check_pin has looked at it."""
    async with _at_once:
        return PasswordHash(await asyncio.to_thread(HASHER.hash, pin))


async def verify(hashed: PasswordHash, password: str) -> bool:
    """Whether it is the right password."""
    async with _at_once:
        return await asyncio.to_thread(_matches, hashed, password)


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
