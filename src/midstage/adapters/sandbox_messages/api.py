"""The sandbox of messages: codes go into `<home>/sandbox/messages.jsonl`, the newest last."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from midstage.kit.clock import Tenant, utc_now
from midstage.middle.access import api as access

KEPT_BYTES = 1_000_000


class Message(msgspec.Struct, frozen=True):
    """A message that was not really sent."""

    brand: str
    phone: str
    code: str
    purpose: str
    at: datetime
    simulated: bool = True


class SandboxMessages:
    """Implements access.MessagePort. Several processes may write: each line is one append."""

    def __init__(self, home: Path) -> None:
        self._file = home / "sandbox" / "messages.jsonl"

    async def send_code(self, tenant: Tenant, phone: str, code: str, *, purpose: str) -> None:
        """Keep the code where `last` finds it. Raises access.MessageNotSent if it cannot be written."""
        line = msgspec.json.encode(Message(tenant.code, phone, code, purpose, utc_now())) + b"\n"
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            raise access.MessageNotSent from error

    async def last(self, tenant: Tenant, phone: str) -> Message | None:
        """The newest message to a phone, for whoever tries the product out."""
        for line in reversed(await asyncio.to_thread(self._lines)):
            message = msgspec.json.decode(line, type=Message)
            if message.brand == tenant.code and message.phone == phone:
                return message
        return None

    async def forget(self, tenant: Tenant, phones: Sequence[str]) -> int:
        """Forget what was sent to these phones of a brand; returns how many messages.

        What another process appends in that very moment may be lost with them: these were never really sent.
        """
        return await asyncio.to_thread(self._forget, tenant.code, set(phones))

    def _forget(self, brand: str, phones: set[str]) -> int:
        gone = 0
        for path in (self._file, self._file.with_suffix(".old")):
            try:
                lines = path.read_bytes().splitlines(keepends=True)
            except OSError:
                continue
            messages = [(line, msgspec.json.decode(line, type=Message)) for line in lines]
            kept = [line for line, one in messages if one.brand != brand or one.phone not in phones]
            if len(kept) < len(lines):
                unfinished = path.with_suffix(".new")
                unfinished.write_bytes(b"".join(kept))
                unfinished.replace(path)
                gone += len(lines) - len(kept)
        return gone

    def _append(self, line: bytes) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        if self._file.exists() and self._file.stat().st_size > KEPT_BYTES:
            self._file.replace(self._file.with_suffix(".old"))
        with self._file.open("ab") as file:
            file.write(line)

    def _lines(self) -> list[bytes]:
        try:
            return self._file.read_bytes().splitlines()
        except OSError:
            return []


__all__ = ["Message", "SandboxMessages"]
