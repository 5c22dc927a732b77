"""The command line: every process and every chore, with a help that teaches."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from midstage import __version__, migrations, processes
from midstage.cli import client, data, facts, keeping
from midstage.cli.base import check_schema, err, on_postgres, on_server, out, say_json
from midstage.kit.clock import utc_now
from midstage.kit.database import Database, UnfitServerError, connect, schema_revision
from midstage.kit.postgres import EmbeddedPostgresError
from midstage.kit.refusals import Refusal
from midstage.kit.settings import BadSettingsError, read_settings
from midstage.operations.backups import BackupError


def main() -> None:
    """Run the command line; whatever goes wrong in a known way is one line and exit code 1 or 2."""
    try:
        cli(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (BadSettingsError, EmbeddedPostgresError, UnfitServerError, processes.CannotStartError, Refusal) as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)
    except BackupError as error:
        err.print(str(error), style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
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
      midstage backup FOLDER    keep a copy from which any moment comes back

    Everything is kept in MIDSTAGE_HOME by an embedded PostgreSQL, or in the PostgreSQL 18+ that
    MIDSTAGE_DATABASE_URL names. All settings are environment variables MIDSTAGE_*.
    """


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
    with on_server(settings) as (server, url):
        asyncio.run(check_schema(url))
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
    with on_postgres(settings) as url:
        asyncio.run(process.run(settings, url))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Say the revisions as JSON.")
def migrate(*, as_json: bool) -> None:
    """Bring the schema to this release. Safe to run again, and by several at once."""
    settings = read_settings()
    with on_postgres(settings) as url:
        before = asyncio.run(schema_revision(url))
        migrations.upgrade(url)
        asyncio.run(_make_room(url))
        after = asyncio.run(schema_revision(url))
    if as_json:
        say_json({"before": before, "after": after})
    else:
        out.print(f"schema {after}" + (" (as it was)" if before == after else f", from {before or 'nothing'}"))


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Say the findings as JSON.")
def doctor(*, as_json: bool) -> None:
    """Prove on this database that stock, promises, money, orders and deliveries agree.

    Looks only. Exit code 1 with the wrong rows where something does not.
    """
    settings = read_settings()
    with on_postgres(settings) as url:
        diagnosis = asyncio.run(_examine(url, quiet=as_json))
    if as_json:
        say_json({"findings": diagnosis.findings, "checks": len(diagnosis.examined)})
    else:
        for finding in diagnosis.findings:
            out.print(f"[red]{finding.check}[/red] {finding.what}: ", finding.row, soft_wrap=True)
        out.print(f"{len(diagnosis.examined)} checks, {len(diagnosis.findings)} findings")
    sys.exit(1 if diagnosis.findings else 0)


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


async def _make_room(url: str) -> None:
    from midstage.kit import partitions  # noqa: PLC0415  # few commands need it

    link = await connect(url)
    try:
        await partitions.ensure_partitions(link, utc_now())
    finally:
        await link.close()


@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("rest", nargs=-1, type=click.UNPROCESSED)
def bench(*, rest: tuple[str, ...]) -> None:
    """Measure on a throw-away database: orders, oversell, growth, facts (midstage bench --help)."""
    from midstage.bench import commands  # noqa: PLC0415  # knows the whole product; no other command waits for that

    commands.bench.main(args=list(rest), prog_name="midstage bench", standalone_mode=False)


_CHORES = (client.client, keeping.backup, keeping.restore, keeping.upgrade, keeping.retention)
for command in (facts.facts, data.brand, data.import_file, *_CHORES):
    cli.add_command(command)
