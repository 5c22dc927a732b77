"""The command line: every process and every chore, with a help that teaches."""

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Generator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from midstage import __version__, migrations, processes
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import SCHEMA_VERSION_QUERY, Database, connect
from midstage.kit.facts import aside, replay
from midstage.kit.postgres import EmbeddedPostgres, EmbeddedPostgresError
from midstage.kit.refusals import Refusal
from midstage.kit.settings import BadSettingsError, Settings, read_settings

err = Console(stderr=True)
out = Console()


def main() -> None:
    """Run the command line; whatever goes wrong in a known way is one line and exit code 1 or 2."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (BadSettingsError, EmbeddedPostgresError, processes.CannotStartError, Refusal) as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except OSError as error:
        err.print(f"cannot reach the database or a file: {error}", style="red", markup=False, soft_wrap=True)
        sys.exit(2)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="midstage")
def cli() -> None:
    r"""Midstage, the open retail middle platform (零售中台).

    \b
    Begin here:
      midstage demo             a real grocer's year and a made-up clothing brand, served
      midstage brand CODE       begin a brand of your own, with its administrator
      midstage serve            the API (and a worker) on your own data
      midstage doctor           prove that stock, money and orders agree

    Everything is kept in MIDSTAGE_HOME by an embedded PostgreSQL, or in the PostgreSQL 18+ that
    MIDSTAGE_DATABASE_URL names. All settings are environment variables MIDSTAGE_*.
    """


def _async(work: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    @wraps(work)
    def run(*args: Any, **named: Any) -> Any:
        return asyncio.run(work(*args, **named))

    return run


@contextmanager
def _server(settings: Settings) -> Generator[tuple[EmbeddedPostgres | None, str]]:
    """The embedded server, where there is one, and the address of the database; it runs while the block does."""
    with processes.embedded(settings) or nullcontext() as own:
        yield own, own.url if own else settings.database_url or ""


@contextmanager
def _postgres(settings: Settings) -> Generator[str]:
    """The address of the database; the embedded server runs while the block does."""
    with _server(settings) as (_, url):
        yield url


def _say_json(value: Any) -> None:
    click.echo(json.dumps(msgspec.to_builtins(value), ensure_ascii=False))


@cli.command()
@click.option("--once", is_flag=True, help="Set up and load, then stop instead of serving.")
@click.option("--only", type=click.Choice(["journey", "yunzhi"]), help="Load one brand only.")
def demo(*, once: bool, only: str | None) -> None:
    """Load two brands and serve them: Journey Market (a real grocer's year) and 云织 Yunzhi (made up).

    The first start makes the database and loads the data (under two minutes); later ones keep it.
    Prints the addresses, a login for each kind of user, and curl lines that place and pay an order.
    """
    from midstage.demo import run  # noqa: PLC0415  # its data library is an optional dependency

    run.demo(read_settings(), once=once, only=only)


@cli.command()
@click.option("--processes", "count", type=click.IntRange(1, 256), help="API processes (MIDSTAGE_API_PROCESSES).")
@click.option("--worker/--no-worker", "with_worker", default=True, help="Run a worker beside the API.")
def serve(*, count: int | None, with_worker: bool) -> None:
    """Serve the API, with a worker, until Ctrl-C. The schema must be there: midstage migrate."""
    settings = read_settings()
    with _server(settings) as (server, url):
        asyncio.run(_check_schema(url))
        with processes.Processes(settings.home, server=server) as running:
            api = processes.api(settings, url, processes=count)
            running.start(api)
            if with_worker:
                running.start(processes.worker(settings, url))
            running.wait_ready(api)
            err.print(f"Midstage answers at http://{settings.host}:{settings.port} (docs at /docs). Ctrl-C stops it.")
            processes.until_interrupted(running)


@cli.command()
def worker() -> None:
    """Run a worker: facts, timers, jobs, expiry of unpaid orders. Any number may run, anywhere."""
    from midstage import worker as process  # noqa: PLC0415  # only this process needs all its loops

    settings = read_settings()
    with _postgres(settings) as url:
        asyncio.run(process.run(settings, url))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Say the revisions as JSON.")
def migrate(*, as_json: bool) -> None:
    """Bring the schema to this release. Safe to run again, and by several at once."""
    settings = read_settings()
    with _postgres(settings) as url:
        before = asyncio.run(_revision(url))
        migrations.upgrade(url)
        asyncio.run(_make_room(url))
        after = asyncio.run(_revision(url))
    if as_json:
        _say_json({"before": before, "after": after})
    else:
        out.print(f"schema {after}" + (" (as it was)" if before == after else f", from {before or 'nothing'}"))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Say the findings as JSON.")
def doctor(*, as_json: bool) -> None:
    """Prove on this database that stock, promises, money, orders and deliveries agree.

    Looks only. Exit code 1 with the wrong rows where something does not.
    """
    settings = read_settings()
    with _postgres(settings) as url:
        diagnosis = asyncio.run(_examine(url, quiet=as_json))
    if as_json:
        _say_json({"findings": diagnosis.findings, "checks": len(diagnosis.examined)})
    else:
        for finding in diagnosis.findings:
            out.print(f"[red]{finding.check}[/red] {finding.what}: ", finding.row, soft_wrap=True)
        out.print(f"{len(diagnosis.examined)} checks, {len(diagnosis.findings)} findings")
    sys.exit(1 if diagnosis.findings else 0)


@cli.command()
@click.argument("code")
@click.option("--name", required=True, help="As shoppers read it.")
@click.option("--currency", default="CNY", show_default=True, help="ISO 4217.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Time zone of the business day.")
@click.option("--phone-prefix", default="+86", show_default=True, help="For phone numbers written without a country.")
@click.option("--admin-login", required=True, help="Login of the brand's first administrator.")
@click.option("--admin-name", default="管理员", show_default=True, help="The administrator's own name.")
@click.option("--admin-password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@_async
async def brand(
    *,
    code: str,
    name: str,
    currency: str,
    zone: str,
    phone_prefix: str,
    admin_login: str,
    admin_name: str,
    admin_password_stdin: bool,
) -> None:
    """Begin a brand 品牌: CODE is part of its addresses (/v1/mall/CODE/…) and stays.

    Makes the brand with its virtual store, and an administrator who signs in at /v1/console/sign-in.
    """
    from midstage import setup  # noqa: PLC0415  # few commands need it

    if admin_password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    settings = read_settings()
    with _postgres(settings) as url:
        await _check_schema(url)
        database = await Database.open(url, pool_size=2)
        wanted = setup.FirstBrand(code=code, name=name, currency=currency, zone=zone, phone_prefix=phone_prefix)
        try:
            begun = await setup.begin_brand(database, wanted, login=admin_login, name=admin_name, password=password)
        finally:
            await database.close()
    out.print(f"brand {begun.code} is open, and {admin_login.strip().lower()} may do everything in it")


@cli.command("import")
@click.argument("kind", type=click.Choice(["stores", "products", "prices", "stock", "members"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--brand", "code", required=True, help="Code of the brand that it is brought into.")
@click.option("--keep-good", is_flag=True, help="Write the good rows of a file with bad ones, instead of none.")
@click.option("--json", "as_json", is_flag=True, help="Say the outcome as JSON.")
@_async
async def import_file(*, kind: str, file: Path, code: str, keep_good: bool, as_json: bool) -> None:
    r"""Bring in a FILE of rows: CSV with a header or JSON lines, in UTF-8 or GB18030.

    \b
    stores    code, name; kind, unit, operator, currency, area_m2, lat, lng, address
    products  code, name or name_en, category, tax_class; sku_code, barcode, unit, step, trademark,
              description, description_en, state
    prices    sku_code, list_price (as 12.80); supply_price, currency
    stock     store_code, sku_code, quantity (as 1.5); booking (opening or received), safety
    members   phone or card; name, store_code, level, joined_on (as 2026-01-31)

    Exit code 1 where rows were bad; then nothing is written without --keep-good.
    """
    from midstage.fronts._http.rows import load  # noqa: PLC0415  # few commands need it

    mode = load.Mode.KEEP_GOOD if keep_good else load.Mode.ALL_OR_NOTHING
    settings = read_settings()
    with _postgres(settings) as url:
        await _check_schema(url)
        # A chunk of rows waits for nobody, and takes as long as it takes.
        database = await Database.open(url, pool_size=2, statement_timeout_ms=300_000)
        try:
            with Progress(console=err, disable=as_json, transient=True) as bar:
                task = bar.add_task(f"{kind} from {file.name}", total=None)
                done = await load.bring_in_file(
                    database,
                    await _tenant(database, code),
                    load.Kind(kind),
                    file,
                    mode,
                    progress=lambda loaded, total: bar.update(task, completed=loaded, total=total),
                )
        finally:
            await database.close()
    if as_json:
        _say_json(done)
    else:
        for bad in done.bad:
            out.print(f"line {bad.line} {bad.column}: {bad.reason_en}", markup=False, highlight=False, soft_wrap=True)
        out.print(f"{done.written} of {done.rows} rows written, {done.bad_rows} bad")
    sys.exit(1 if done.bad_rows else 0)


@cli.command()
@click.option("--out", "target", type=click.Path(path_type=Path), help="Write to a file instead.")
def openapi(*, target: Path | None) -> None:
    """Print the OpenAPI 3.1 of all fronts."""
    from midstage.app import create_app  # noqa: PLC0415  # a client's generator needs no database
    from midstage.fronts._http.openapi import text_of  # noqa: PLC0415  # few commands need it

    text = text_of(create_app(read_settings()))
    if target is None:
        click.echo(text, nl=False)
    else:
        target.write_text(text, encoding="utf-8")


@cli.group()
def facts() -> None:
    """See and mend what subscribers could not do."""


@facts.command("list")
@click.option("--json", "as_json", is_flag=True)
@_async
async def facts_list(*, as_json: bool) -> None:
    """List the facts that are being retried or are set aside, with their errors."""
    settings = read_settings()
    with _postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        held = await aside.held(database)
        await database.close()
    if as_json:
        _say_json(held)
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
@_async
async def facts_retry(*, subscriber: str | None, code: str | None, number: int | None) -> None:
    """Let failed facts be tried again at once."""
    settings = read_settings()
    with _postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        brand = (await _tenant(database, code)).brand if code else None
        count = await aside.retry(database, subscriber=subscriber, brand=brand, number=number)
        await database.close()
    out.print(f"{count} will be tried again by the worker")


@facts.command("skip")
@click.argument("code")
@click.argument("subscriber")
@click.argument("number", type=int)
@_async
async def facts_skip(*, code: str, subscriber: str, number: int) -> None:
    """Give up fact NUMBER of brand CODE for SUBSCRIBER; those behind it go on. Kept in the audit trail."""
    settings = read_settings()
    with _postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        async with database.writing(await _tenant(database, code)) as tx:
            await aside.skip(tx, subscriber, number)
        await database.close()
    out.print("skipped")


@facts.command("replay")
@click.argument("code")
@click.argument("subscriber")
@_async
async def facts_replay(*, code: str, subscriber: str) -> None:
    """Let SUBSCRIBER forget what it made in brand CODE, and make it again from its facts."""
    from midstage.wiring import subscribers  # noqa: PLC0415  # wiring knows everybody; few commands need that

    found = {one.name: one for one in subscribers()}
    if subscriber not in found:
        raise click.UsageError(f"no subscriber is called {subscriber}; there are {', '.join(sorted(found))}")
    settings = read_settings()
    with _postgres(settings) as url:
        database = await Database.open(url, pool_size=2)
        async with database.writing(await _tenant(database, code)) as tx:
            await replay.replay(tx, found[subscriber])
        await database.close()
    out.print("forgotten; the worker makes it again")


async def _tenant(database: Database, code: str) -> Tenant:
    from midstage.middle.organisation import api as organisation  # noqa: PLC0415  # few commands need it

    return await organisation.tenant_of(database, code)


async def _examine(url: str, *, quiet: bool) -> Any:
    from midstage import doctor as surgery  # noqa: PLC0415  # knows every module; few commands need that

    # A check reads whole tables, which takes as long as it takes.
    database = await Database.open(
        url, pool_size=4, statement_timeout_ms=int(timedelta(hours=1).total_seconds() * 1000)
    )
    try:
        with err.status("looking") as status:
            return await surgery.examine(database, progress=None if quiet else status.update)
    finally:
        await database.close()


async def _revision(url: str) -> str | None:
    link = await connect(url)
    try:
        there = await link.fetchval("select to_regclass('alembic_version') is not null")
        return await link.fetchval(SCHEMA_VERSION_QUERY) if there else None
    finally:
        await link.close()


async def _make_room(url: str) -> None:
    from midstage.kit import partitions  # noqa: PLC0415  # few commands need it

    link = await connect(url)
    try:
        await partitions.ensure_partitions(link, utc_now())
    finally:
        await link.close()


async def _check_schema(url: str) -> None:
    present = await _revision(url)
    if present != migrations.head():
        raise BadSettingsError(
            f"the schema is at {present or 'nothing'}, this release needs {migrations.head()}: run midstage migrate"
        )


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
def bench(*, rest: tuple[str, ...]) -> None:
    """Measure on a throw-away database: orders, oversell, growth, facts (midstage bench --help)."""
    from midstage.bench import commands  # noqa: PLC0415  # knows the whole product; no other command waits for that

    commands.bench.main(args=list(rest), prog_name="midstage bench", standalone_mode=False)


if __name__ == "__main__":
    main()
