"""What the commands share: the database they work on, and how they speak."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import wraps
from typing import Any

import click
import msgspec
from rich.console import Console

from midstage import migrations, processes
from midstage.kit import sealing
from midstage.kit.clock import Tenant
from midstage.kit.database import Database, check_server, schema_revision
from midstage.kit.postgres import EmbeddedPostgres
from midstage.kit.settings import BadSettingsError, Settings
from midstage.middle.access import api as access

err = Console(stderr=True)
out = Console()


def as_async(work: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @wraps(work)
    def run(*args: Any, **named: Any) -> Any:
        return asyncio.run(work(*args, **named))

    return run


@contextmanager
def on_server(settings: Settings) -> Generator[tuple[EmbeddedPostgres | None, str]]:
    """The embedded server, where there is one, and the address of the database; it runs while the block does."""
    if settings.database_url is not None:
        # In a thread of its own, because some commands are in an event loop by now.
        with ThreadPoolExecutor(1) as aside:
            aside.submit(asyncio.run, check_server(settings.database_url)).result()
    access.use_blocklist(settings.password_blocklist)
    with processes.embedded(settings) or nullcontext() as own:
        sealing.open_keys(settings)  # made here once, before several processes want it
        yield own, own.url if own else settings.database_url or ""


@contextmanager
def on_postgres(settings: Settings) -> Generator[str]:
    """The address of the database; the embedded server runs while the block does."""
    with on_server(settings) as (_, url):
        yield url


def say_json(value: Any) -> None:
    click.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


async def tenant_of(database: Database, code: str) -> Tenant:
    from midstage.middle.organisation import api as organisation  # noqa: PLC0415  # few commands need it

    return await organisation.tenant_of(database, code)


async def check_schema(url: str) -> None:
    present = await schema_revision(url)
    if present != migrations.head():
        raise BadSettingsError(
            f"the schema is at {present or 'nothing'}, this release needs {migrations.head()}: run midstage migrate"
        )
