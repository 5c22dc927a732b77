"""One simulated provider for the folder, and for each test a merchant of its own."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from adapters.sandbox_pay.program import SECRET, Mailbox, Program
from midstage.adapters.sandbox_pay.provider import SandboxPay
from midstage.kit.ids import new_id
from midstage.middle.payments import api as payments


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One program for all tests of the folder: each uses payments of its own."""
    started = Program(tmp_path_factory.mktemp("sandbox"))
    started.start()
    yield started
    assert started.stop() == 0


@pytest_asyncio.fixture(loop_scope="session")
async def mailbox() -> AsyncIterator[Mailbox]:
    box = Mailbox()
    server = await asyncio.start_server(box.answer, "127.0.0.1", 0)
    box.callback_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/callbacks"
    async with server:
        yield box
    await box.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def sandbox() -> AsyncIterator[SandboxPay]:
    provider = SandboxPay()
    payments.register(provider)
    yield provider
    await provider.close_connections()


@pytest.fixture
def merchant(program: Program, monkeypatch: pytest.MonkeyPatch) -> payments.Merchant:
    """A merchant of its own for each test, so that statements do not mix."""
    monkeypatch.setenv("SECRET_SANDBOX_TEST", SECRET)
    return payments.Merchant(
        merchant_id=payments.MerchantId(new_id()),
        payee=None,
        provider="sandbox",
        settings={"base_url": program.url, "merchant_no": f"M{new_id().hex}"},
        secrets={"secret": "env:SECRET_SANDBOX_TEST"},
    )
