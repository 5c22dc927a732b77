"""Passwords that leaked, in a file that the operator brings: sorted lines of SHA-1 in capitals, with or without `:count`.

That is the form in which Have I Been Pwned gives them out. The file is looked up on the disk, not read into memory: a
billion lines take thirty looks.
"""

import hashlib
import mmap
from pathlib import Path

from midstage.kit.settings import BadSettingsError

_HEX = 40


class Blocklist:
    """A sorted file of hashes."""

    def __init__(self, path: Path) -> None:
        """Raises BadSettingsError where there is no such file, or it holds something else."""
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise BadSettingsError(f"MIDSTAGE_PASSWORD_BLOCKLIST={path} cannot be read: {error}") from None
        first = self._line(0)
        if len(first) != _HEX or not all(char in b"0123456789ABCDEF" for char in first):
            raise BadSettingsError(f"MIDSTAGE_PASSWORD_BLOCKLIST={path} should hold sorted SHA-1 hashes in capitals")

    def has(self, password: str) -> bool:
        """Whether a password is among them."""
        # The list is made so; nothing is protected by this hash.
        wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper().encode()
        low, high = 0, len(self._map)
        while low < high:
            middle = (low + high) // 2
            begins = self._map.rfind(b"\n", 0, middle) + 1
            found = self._line(begins)
            if found == wanted:
                return True
            if found < wanted:
                ends = self._map.find(b"\n", middle)
                low = ends + 1 if ends >= 0 else high
            else:
                high = begins
        return False

    def _line(self, begins: int) -> bytes:
        """The hash of the line that begins there."""
        return bytes(self._map[begins : begins + _HEX]).rstrip(b"\r\n")
