"""midstage backup, restore, upgrade, retention: what whoever runs it does once a day, once a year, and once too late."""

import asyncio
import sys
from datetime import datetime
from pathlib import Path

import click

from midstage.cli.base import err, on_server, out, say_json
from midstage.kit.clock import utc_now
from midstage.kit.database import UnfitServerError
from midstage.kit.postgres import EmbeddedPostgres
from midstage.kit.settings import Settings, read_settings

FOLDER = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--keep", type=click.IntRange(min=1), help="Forget all but so many backups, and the log before them.")
@click.option("--follow", is_flag=True, help="Write the log into FOLDER as it comes, until Ctrl-C.")
@click.option("--unfollow", is_flag=True, help="Give up following: the server keeps its log no longer for it.")
@click.option("--list", "only_list", is_flag=True, help="Say what is in FOLDER.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def backup(*, folder: Path, keep: int | None, follow: bool, unfollow: bool, only_list: bool, as_json: bool) -> None:
    r"""Back up into FOLDER, beside the work.

    \b
    midstage backup /backup --keep 7      each night, from cron or a timer
    midstage backup /backup --follow      always on: what is committed is there within a second
    midstage restore /backup --at 2026-11-22T10:00:00+08:00

    The key that seals secrets (secrets/sealing_key) is not in it: keep that somewhere else.
    """
    from midstage.operations import backups  # noqa: PLC0415  # few commands need it

    settings = read_settings()
    folder = folder.resolve()
    if only_list:
        _list(folder, as_json=as_json)
        return
    with on_server(settings) as (own, url):
        server = own or EmbeddedPostgres(settings.home)
        if follow:
            sys.exit(backups.follow(server, url, folder))
        if unfollow:
            dropped = asyncio.run(backups.drop_slot(url))
            out.print("the log is followed no longer" if dropped else "the log was not being followed")
            return
        with err.status("copying"):
            made = asyncio.run(backups.take(server, url, folder, keep=keep))
    if as_json:
        say_json(made)
    else:
        out.print(f"{folder / made.name}: {made.size_bytes / 1e6:,.0f} MB, checked", soft_wrap=True)


@click.command()
@click.argument("folder", type=FOLDER)
@click.option("--at", "moment", help="Up to this moment, like 2026-11-22T10:00:00+08:00. Without it: all there is.")
@click.option("--replace", is_flag=True, help="Put data that MIDSTAGE_HOME has aside instead of refusing.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def restore(*, folder: Path, moment: str | None, replace: bool, as_json: bool) -> None:
    """Bring a backup in FOLDER back into MIDSTAGE_HOME, up to a moment, and start nothing.

    Afterwards: midstage doctor, then midstage serve.
    """
    from midstage.operations import restoring  # noqa: PLC0415  # few commands need it

    settings = _own(read_settings())
    at = _moment(moment)
    with err.status("restoring") as status:
        done = restoring.restore(folder.resolve(), settings.home, at=at, replace=replace, progress=status.update)
    if as_json:
        say_json(done)
        return
    reached = f"up to {done.reached:%Y-%m-%d %H:%M:%S%z}" if done.reached else "as the backup was"
    out.print(f"{settings.home}: {done.backup} is back, {reached}", soft_wrap=True)
    for note in done.notes:
        err.print(note, style="yellow", markup=False, soft_wrap=True)


@click.command()
@click.option("--check", "only_check", is_flag=True, help="Try it on a copy and change nothing.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def upgrade(*, only_check: bool, as_json: bool) -> None:
    """Bring the schema to this release after it was tried on a copy of this very database.

    The copy is migrated and examined: what would break the release that runs now, how long each step takes, and
    what the doctor says. Only if nothing is found, the database itself is migrated.
    """
    from midstage.operations import upgrading  # noqa: PLC0415  # few commands need it

    settings = read_settings()
    with on_server(settings) as (own, url):
        server = own or EmbeddedPostgres(settings.home)
        with err.status("trying it on a copy") as status:
            tried = upgrading.try_on_copy(server, url, progress=status.update)
        if tried.faults == [] and not only_check:
            upgrading.carry_out(url)
    if as_json:
        say_json(tried)
    else:
        for step in tried.steps:
            out.print(f"{step.revision}: {step.seconds:.2f} s")
        for fault in tried.faults:
            err.print(fault, style="red", markup=False, soft_wrap=True)
        done = "nothing was changed" if only_check or tried.faults else "done"
        out.print(f"schema {tried.before or 'none'} → {tried.after}: {len(tried.faults)} faults; {done}")
    sys.exit(1 if tried.faults else 0)


@click.command()
@click.option("--dry-run", is_flag=True, help="Say what would go.")
@click.option("--json", "as_json", is_flag=True, help="Say it as JSON.")
def retention(*, dry_run: bool, as_json: bool) -> None:
    """Forget what is older than its retention: facts, audit, idempotency answers, logs of jobs. Workers do it hourly."""
    from midstage.operations import forgetting  # noqa: PLC0415  # few commands need it

    with on_server(read_settings()) as (_, url):
        gone = asyncio.run(forgetting.run(url, utc_now(), dry_run=dry_run))
    if as_json:
        say_json(gone)
        return
    for one in gone:
        said = f"{len(one.partitions)} months and {one.rows:,} rows {'would go' if dry_run else 'are gone'}"
        out.print(f"{one.what}: kept {one.days} days; {said}")


def _list(folder: Path, *, as_json: bool) -> None:
    from midstage.operations import backups  # noqa: PLC0415  # few commands need it

    known, reaches = backups.backups(folder), backups.reaches_to(folder)
    if as_json:
        say_json({"backups": known, "log_reaches_to": reaches})
        return
    for one in known:
        out.print(f"{one.name}  {one.size_bytes / 1e6:,.0f} MB  schema {one.schema_revision}  release {one.release}")
    out.print(f"the log reaches to {reaches:%Y-%m-%d %H:%M:%S%z}" if reaches else "no log is being followed")


def _own(settings: Settings) -> Settings:
    if settings.database_url is not None:
        raise UnfitServerError(
            "midstage restore makes an embedded server in MIDSTAGE_HOME; unset MIDSTAGE_DATABASE_URL,"
            " or restore your own server by its own means"
        )
    return settings


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text} is no moment; 2026-11-22T10:00:00+08:00 is one", param_hint="--at") from None
    if at.tzinfo is None:
        raise click.BadParameter(f"{text} has no time zone; end it with Z or +08:00", param_hint="--at")
    return at
