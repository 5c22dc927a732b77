"""Secrets by reference: `env:SECRET_NAME` is an environment variable, `file:name` a file of the secrets' folder.

Whoever may write merchants may not read the machine through them: a variable's name begins with SECRET_,
a file is named without its folder. The folder is SECRET_FOLDER, else /run/secrets.
"""

import os
import re
import time
from pathlib import Path

from midstage.middle.payments.refusals import (
    BadMerchant,
    SecretMissing,
)
from midstage.middle.payments.types import (
    Merchant,
)

_REFERENCE = re.compile(r"env:SECRET_[A-Z0-9_]{1,100}|file:[A-Za-z0-9_][A-Za-z0-9_.-]{0,100}")
# A changed secret is used within this time by every process; a failed check looks at once.
KEPT_S = 30.0

_kept: dict[str, tuple[bytes, float]] = {}


def check_reference(setting: str, reference: str) -> None:
    """Refuse what is not a reference: a secret that was typed in by mistake must not be stored."""
    if not _REFERENCE.fullmatch(reference):
        raise BadMerchant(setting, "a secret is given as env:SECRET_NAME or file:name")


def secret(merchant: Merchant, name: str) -> bytes:
    """The value of one of a merchant's secrets. Raises SecretMissing."""
    reference = merchant.secrets.get(name)
    if reference is None:
        raise BadMerchant(name, "the secret is not given")
    kept = _kept.get(reference)
    if kept is not None and kept[1] > time.monotonic():
        return kept[0]
    value = _read(reference)
    _kept[reference] = (value, time.monotonic() + KEPT_S)
    return value


def forget(merchant: Merchant) -> None:
    """Read the secrets of a merchant anew at their next use."""
    for reference in merchant.secrets.values():
        _kept.pop(reference, None)


def _read(reference: str) -> bytes:
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "").encode()
    else:
        folder = Path(os.environ.get("SECRET_FOLDER", "/run/secrets"))
        try:
            value = (folder / name).read_bytes().strip()
        except OSError:
            value = b""
    if not value:
        raise SecretMissing(reference)
    return value
