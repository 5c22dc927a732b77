"""`midstage demo`: a database with two brands in it, everything started, and what to try first."""

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Generator, Sequence

from rich.console import Console
from rich.progress import Progress, TaskID

from midstage import migrations, processes
from midstage.demo import brands, load, welcome
from midstage.demo.story import SECRET_VARIABLE, is_open
from midstage.kit import partitions
from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import TRANSIENT, Database, connect
from midstage.kit.facts.subscribers import Deliverer
from midstage.kit.ids import BrandId
from midstage.kit.settings import Settings
from midstage.middle.organisation import api as organisation
from midstage.processes import CannotStartError, Child, Processes

console = Console(stderr=True)
_QUIET_AFTER = 5  # looks at the subscribers in a row with nobody behind


def demo(settings: Settings, *, once: bool, only: str | None) -> None:
    """Set up, load what is missing, and serve until Ctrl-C. Raises CannotStartError."""
    begun = time.monotonic()
    codes = [only] if only else list(brands.ALL)
    if "journey" in codes:
        brands.check_data()
    with _terminable(), processes.embedded(settings) or contextlib.nullcontext() as postgres:
        url = postgres.url if postgres else settings.database_url or ""
        os.environ[SECRET_VARIABLE] = _secret(settings)  # for us and all of our children
        with Processes(settings.home, server=postgres) as running:
            sandbox = _sandbox(settings, url)
            if not once:
                _check_ports(settings)
                running.start(sandbox)  # it needs no database, so it can come up meanwhile
            _prepare(settings, url, codes)
            if not once:
                _serve(settings, url, running)
                running.wait_ready(sandbox)
                asyncio.run(welcome.welcome(url, settings, codes))
                console.print(f"(started in {time.monotonic() - begun:.1f} s)", style="dim", highlight=False)
                with load.progress_bars(console) as bars:
                    processes.until_interrupted(running, then=_CatchingUp(url, bars).look)
    console.print("Everything is stopped; the data is kept.", highlight=False)


def _prepare(settings: Settings, url: str, codes: Sequence[str]) -> None:
    """The schema, and all that is missing of the brands."""
    with console.status("schema 数据库结构"):
        migrations.upgrade(url)
        missing = asyncio.run(_missing(url, codes))
    if not missing:
        return
    loaded = asyncio.run(
        load.load(
            missing,
            url=url,
            sandbox_url=_sandbox_url(settings),
            log=settings.home / "logs" / "demo-load.log",
            environment=processes.environment(settings, url),
            console=console,
        )
    )
    console.print(f"loaded in {loaded.seconds:.0f} s; the two loaders took {loaded.peak_mb} MB", highlight=False)
    for step in loaded.steps:
        console.print(f"  {step.brand}, {step.step}: {step.rows:,} rows, {step.seconds:.1f} s", highlight=False)


async def _missing(url: str, codes: Sequence[str]) -> list[str]:
    """The brands that are not there, or not whole."""
    link = await connect(url)
    try:
        await partitions.ensure_partitions(link, utc_now())
    finally:
        await link.close()
    database = await Database.open(url, pool_size=2)
    try:
        return [code for code in codes if not await _is_whole(database, code)]
    finally:
        await database.close()


async def _is_whole(database: Database, code: str) -> bool:
    try:
        tenant = await organisation.tenant_of(database, code)
    except organisation.NoSuchBrand:
        return False
    async with database.reading(tenant) as tx:
        return await is_open(tx, brands.FIRST_LOGIN[code])


def _serve(settings: Settings, url: str, running: Processes) -> None:
    """Start what answers and what works behind it."""
    api = processes.api(settings, url)
    running.start(api)
    running.start(processes.worker(settings, url))
    running.wait_ready(api)


class _CatchingUp:
    """Shows how far the subscribers are with what was loaded, until nobody is behind any more."""

    def __init__(self, url: str, bars: Progress) -> None:
        self._url = url
        self._bars = bars
        self._shown: dict[str, tuple[TaskID, int]] = {}
        self._quiet = 0

    def look(self) -> None:
        """Look once. The numbers run on while facts are still being numbered, so the totals may grow."""
        if self._quiet >= _QUIET_AFTER:
            return
        try:
            behind = asyncio.run(_behind(self._url))
        except TRANSIENT:
            return  # the database restarts; the next look is in a second
        self._quiet = 0 if any(behind.values()) else self._quiet + 1
        for name, facts in behind.items():
            self._show(name, facts)

    def _show(self, name: str, behind: int) -> None:
        if name in self._shown:
            bar, total = self._shown[name]
        elif behind:
            bar, total = self._bars.add_task(name), 0
        else:
            return
        total = max(total, behind)
        self._shown[name] = (bar, total)
        self._bars.update(bar, total=total, completed=total - behind)


async def _behind(url: str) -> dict[str, int]:
    """How many facts each subscriber has still to see, by the brand's code and its own name."""
    from midstage.wiring import subscribers  # noqa: PLC0415  # it knows everybody, and the start needs nobody

    async def unused(_: BrandId) -> Tenant:
        raise RuntimeError("looking needs no tenants")

    database = await Database.open(url, pool_size=1)
    try:
        codes = {tenant.brand: tenant.code for tenant in await organisation.tenants(database)}
        lags = await Deliverer(database, subscribers(), unused).lags()
        return {f"{codes.get(lag.brand, lag.brand)}: {lag.subscriber}": lag.behind for lag in lags}
    finally:
        await database.close()


def _sandbox(settings: Settings, url: str) -> Child:
    """The simulated payment provider."""
    book = settings.home / "sandbox" / "payments.sqlite"
    return Child(
        "sandbox-pay",
        [
            sys.executable, "-m", "midstage.adapters.sandbox_pay", "--host", settings.host,
            "--port", str(settings.sandbox_port), "--data", str(book), "--secret-env", SECRET_VARIABLE,
        ],
        processes.environment(settings, url),
        f"{_sandbox_url(settings)}/healthz",
    )  # fmt: skip


def _sandbox_url(settings: Settings) -> str:
    return f"http://{settings.host}:{settings.sandbox_port}"


def _secret(settings: Settings) -> str:
    """What the simulated provider and we sign with: made once for this home, for its owner's eyes alone."""
    file = settings.home / "secrets" / "sandbox_pay"
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        file.touch(mode=0o600)
    if not file.read_text():
        file.write_text(secrets.token_hex(32))
    return file.read_text().strip()


def _check_ports(settings: Settings) -> None:
    """Say it in one line before anything is loaded."""
    for name, port in (("PORT", settings.port), ("SANDBOX_PORT", settings.sandbox_port)):
        if processes.is_taken(settings.host, port):
            raise CannotStartError(
                f"somebody listens on {settings.host}:{port} already; stop them, or set MIDSTAGE_{name} to another port"
            )


@contextlib.contextmanager
def _terminable() -> Generator[None]:
    """Let SIGTERM end everything in order, as Ctrl-C does; both are a wish and no failure."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        console.print("Stopped. What is loaded is kept; the next start goes on from there.", highlight=False)
