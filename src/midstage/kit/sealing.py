"""Secrets that have to be read again (of second factors, of webhooks): sealed by AES-256-GCM under a key of the process.

What may be kept as a hash is kept as a hash; this is for the rest. A sealed value names the key that it was sealed
under and what it is about, so that keys can be changed and no value be put in the place of another:

    1 byte form | 4 bytes key id | 12 bytes nonce | ciphertext and its 16 bytes of tag

The key comes from MIDSTAGE_SEALING_KEY (32 bytes in base64; several with commas between: the first seals, all unseal)
or from the file `secrets/sealing_key` of the home, one key a line, which the first start makes. Processes on several
machines over one database need the same one. Source: NIST SP 800-38D.
"""

import base64
import binascii
import contextlib
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from midstage.kit.settings import BadSettingsError, Settings, read_settings

KEY_BYTES = 32
VARIABLE = "MIDSTAGE_SEALING_KEY"
_FORM = b"\x01"
_ID_BYTES = 4
_NONCE_BYTES = 12
_HEAD = len(_FORM) + _ID_BYTES
_TAG_BYTES = 16


class CannotUnsealError(Exception):
    """A sealed value was tampered with, is about something else, or its key is not among ours."""


class Ring:
    """The keys of a process: the first seals, all of them unseal."""

    def __init__(self, *keys: bytes) -> None:
        """Raises ValueError unless there is a key, and each has 32 bytes."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a sealing key has {KEY_BYTES} bytes, and there is one at least")
        self._sealing = key_id(keys[0])
        self._keys = {key_id(key): AESGCM(key) for key in keys}

    @property
    def key_ids(self) -> list[bytes]:
        """The keys that unseal, the one that seals first; a sealed value has its own in bytes 2 to 5."""
        return list(self._keys)

    def seal(self, plain: bytes, about: bytes) -> bytes:
        """Seal a secret; `about` is not kept and has to be the same when it is unsealed."""
        head, nonce = _FORM + self._sealing, secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._keys[self._sealing].encrypt(nonce, plain, head + about)

    def unseal(self, sealed: bytes, about: bytes) -> bytes:
        """Read a secret again. Raises CannotUnsealError."""
        head, nonce, rest = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE_BYTES], sealed[_HEAD + _NONCE_BYTES :]
        cipher = self._keys.get(head[len(_FORM) :])
        if head[: len(_FORM)] != _FORM or cipher is None or len(rest) < _TAG_BYTES:
            raise CannotUnsealError("a secret is sealed under a key that this process does not have")
        try:
            return cipher.decrypt(nonce, rest, head + about)
        except InvalidTag:
            raise CannotUnsealError("a sealed secret is not what it was, or about something else") from None


def seal(plain: bytes, about: bytes) -> bytes:
    """Seal a secret under the key of this process; `about` (the row it belongs to) must be the same to unseal it."""
    return ring().seal(plain, about)


def unseal(sealed: bytes, about: bytes) -> bytes:
    """Read a sealed secret again. Raises CannotUnsealError where it is not what was sealed about this."""
    return ring().unseal(sealed, about)


_ring: Ring | None = None


def ring() -> Ring:
    """The keys of this process; of the environment's settings where nobody has opened them."""
    return _ring or open_keys(read_settings())


def open_keys(settings: Settings) -> Ring:
    """Read the keys, or make the first one, as the start of every process does. Raises BadSettingsError."""
    global _ring  # noqa: PLW0603  # a process has one set of keys, as it has one environment
    _ring = ring_of(settings)
    return _ring


def ring_of(settings: Settings) -> Ring:
    """The keys that these settings lead to. Raises BadSettingsError, which never shows a key."""
    if settings.sealing_key:
        return Ring(*parse_keys(settings.sealing_key, of=VARIABLE))
    path = settings.home / "secrets" / "sealing_key"
    text = _read(path) or _make(path)
    return Ring(*parse_keys(text, of=str(path)))


def parse_keys(text: str, *, of: str) -> list[bytes]:
    """The keys of a setting or a file, commas or line ends between them. Raises BadSettingsError."""
    found: list[bytes] = []
    for part in text.replace(",", "\n").split():
        try:
            key = base64.b64decode(part, validate=True)
        except binascii.Error:
            key = b""
        if len(key) != KEY_BYTES:
            raise BadSettingsError(
                f"{of}: a sealing key is {KEY_BYTES} random bytes in base64 (openssl rand -base64 32)"
            )
        found.append(key)
    if not found:
        raise BadSettingsError(f"{of} holds no sealing key")
    return found


def key_id(key: bytes) -> bytes:
    """How sealed values name their key; tells nothing of it."""
    return hashlib.sha256(b"midstage sealing key\0" + key).digest()[:_ID_BYTES]


def _read(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode
        if mode & 0o077:
            raise BadSettingsError(f"{path} can be read by others than its owner: chmod 600 {path}")
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettingsError(f"{path} cannot be read: {error}") from None


def _make(path: Path) -> str:
    """Write a new key so that it is there whole or not at all; of two processes that do, both read the first one's."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, base64.b64encode(secrets.token_bytes(KEY_BYTES)) + b"\n")
            os.fsync(handle)
        finally:
            os.close(handle)
        with contextlib.suppress(FileExistsError):
            os.link(unfinished, path)
        unfinished.unlink()
        _keep_entry(path.parent)
    except OSError as error:
        raise BadSettingsError(f"{path} cannot be made: {error}; or set {VARIABLE}") from None
    return _read(path) or ""


def _keep_entry(folder: Path) -> None:
    """A key that is lost with the power is a secret that nobody reads again: the folder's entry goes to the disk too."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
