"""The sandbox of messages shows the code that a phone would have got, and says that it is simulated."""

import asyncio
from pathlib import Path

import pytest

from midstage.adapters.sandbox_messages.api import KEPT_BYTES, SandboxMessages
from midstage.kit.clock import Tenant
from midstage.kit.database import Database
from midstage.middle.access import api as access

PHONE = "+8613800000001"


async def test_a_code_is_shown_and_is_right(db: Database, tenant: Tenant, tmp_path: Path) -> None:
    messages = SandboxMessages(tmp_path)
    assert await messages.last(tenant, PHONE) is None
    await access.request_code(db, tenant, messages, PHONE, "sign in")
    shown = await messages.last(tenant, PHONE)
    assert shown is not None
    assert (shown.phone, shown.brand, shown.purpose, shown.simulated) == (PHONE, tenant.code, "sign in", True)
    await access.check_code(db, tenant, PHONE, shown.code, "sign in")
    assert await messages.last(tenant, "+8613800000002") is None


async def test_the_newest_of_many_written_at_once_is_whole(tenant: Tenant, tmp_path: Path) -> None:
    one, other = SandboxMessages(tmp_path), SandboxMessages(tmp_path)
    await asyncio.gather(
        *(
            port.send_code(tenant, f"+8613800000{n:03d}", f"{n:06d}", purpose="p")
            for n in range(50)
            for port in (one, other)
        )
    )
    for number in range(50):
        shown = await one.last(tenant, f"+8613800000{number:03d}")
        assert shown is not None
        assert shown.code == f"{number:06d}"


async def test_the_file_stays_small(tenant: Tenant, tmp_path: Path) -> None:
    messages = SandboxMessages(tmp_path)
    file = tmp_path / "sandbox" / "messages.jsonl"
    file.parent.mkdir()
    file.write_bytes(b"{}\n" * (KEPT_BYTES // 3 + 1))
    await messages.send_code(tenant, PHONE, "123456", purpose="p")
    assert len(file.read_bytes().splitlines()) == 1


async def test_a_message_that_cannot_be_kept_is_not_sent(tenant: Tenant, tmp_path: Path) -> None:
    (tmp_path / "sandbox").write_text("in the way")
    with pytest.raises(access.MessageNotSent):
        await SandboxMessages(tmp_path).send_code(tenant, PHONE, "123456", purpose="p")


async def test_what_a_phone_was_sent_can_be_forgotten(tenant: Tenant, tmp_path: Path) -> None:
    messages = SandboxMessages(tmp_path)
    assert await messages.forget(tenant, [PHONE]) == 0
    for phone in (PHONE, "+8613800000002", PHONE):
        await messages.send_code(tenant, phone, "123456", purpose="p")
    foreign = Tenant(tenant.brand, "another")
    await messages.send_code(foreign, PHONE, "123456", purpose="p")
    assert await messages.forget(tenant, [PHONE]) == 2
    assert await messages.last(tenant, PHONE) is None
    assert await messages.last(tenant, "+8613800000002") is not None
    assert await messages.last(foreign, PHONE) is not None
