"""midstage facts: see and mend what subscribers could not do."""

import click
from rich.table import Table

from midstage.cli.base import as_async, on_postgres, out, say_json, tenant_of
from midstage.kit.database import Database
from midstage.kit.facts import aside, replay
from midstage.kit.settings import read_settings


@click.group()
def facts() -> None:
    """See and mend what subscribers could not do."""


@facts.command("list")
@click.option("--json", "as_json", is_flag=True)
@as_async
async def facts_list(*, as_json: bool) -> None:
    """List the facts that are being retried or are set aside, with their errors."""
    settings = read_settings()
    with on_postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        held = await aside.held(database)
        await database.close()
    if as_json:
        say_json(held)
        return
    table = Table("brand", "subscriber", "number", "type", "state", "tries", "behind", "error")
    for one in held:
        table.add_row(
            str(one.brand),
            one.subscriber,
            str(one.number),
            one.type,
            one.state,
            str(one.attempts),
            str(one.behind),
            one.error,
        )
    out.print(table if held else "nothing is set aside")


@facts.command("retry")
@click.option("--subscriber", help="Only of this subscriber.")
@click.option("--brand", "code", help="Only of this brand (its code).")
@click.option("--number", type=int, help="Only this fact.")
@as_async
async def facts_retry(*, subscriber: str | None, code: str | None, number: int | None) -> None:
    """Let failed facts be tried again at once."""
    settings = read_settings()
    with on_postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        brand = (await tenant_of(database, code)).brand if code else None
        count = await aside.retry(database, subscriber=subscriber, brand=brand, number=number)
        await database.close()
    out.print(f"{count} will be tried again by the worker")


@facts.command("skip")
@click.argument("code")
@click.argument("subscriber")
@click.argument("number", type=int)
@as_async
async def facts_skip(*, code: str, subscriber: str, number: int) -> None:
    """Give up fact NUMBER of brand CODE for SUBSCRIBER; those behind it go on. Kept in the audit trail."""
    settings = read_settings()
    with on_postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        async with database.writing(await tenant_of(database, code)) as tx:
            await aside.skip(tx, subscriber, number)
        await database.close()
    out.print("skipped")


@facts.command("replay")
@click.argument("code")
@click.argument("subscriber")
@as_async
async def facts_replay(*, code: str, subscriber: str) -> None:
    """Let SUBSCRIBER forget what it made in brand CODE, and make it again from its facts."""
    from midstage.wiring import subscribers  # noqa: PLC0415  # wiring knows everybody; few commands need that

    found = {one.name: one for one in subscribers()}
    if subscriber not in found:
        raise click.UsageError(f"no subscriber is called {subscriber}; there are {', '.join(sorted(found))}")
    settings = read_settings()
    with on_postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        async with database.writing(await tenant_of(database, code)) as tx:
            await replay.replay(tx, found[subscriber])
        await database.close()
    out.print("forgotten; the worker makes it again")
