"""midstage brand, midstage import: begin a brand, and bring in what there is."""

import sys
from pathlib import Path

import click
from rich.progress import Progress

from midstage.cli.base import as_async, check_schema, err, on_postgres, out, say_json, tenant_of
from midstage.kit.database import Database
from midstage.kit.settings import read_settings


@click.command()
@click.argument("code")
@click.option("--name", required=True, help="As shoppers read it.")
@click.option("--currency", default="CNY", show_default=True, help="ISO 4217.")
@click.option("--zone", default="Asia/Shanghai", show_default=True, help="Time zone of the business day.")
@click.option("--phone-prefix", default="+86", show_default=True, help="For phone numbers written without a country.")
@click.option(
    "--sandbox", is_flag=True, help="For trying out: a small shop in it, test keys, play money; can be reset."
)
@click.option("--admin-login", required=True, help="Login of the brand's first administrator.")
@click.option("--admin-name", default="管理员", show_default=True, help="The administrator's own name.")
@click.option("--admin-password-stdin", is_flag=True, help="Read the password from standard input instead of asking.")
@as_async
async def brand(
    *,
    code: str,
    name: str,
    currency: str,
    zone: str,
    phone_prefix: str,
    sandbox: bool,
    admin_login: str,
    admin_name: str,
    admin_password_stdin: bool,
) -> None:
    """Begin a brand 品牌: CODE is part of its addresses (/v1/mall/CODE/…) and stays.

    Makes the brand with its virtual store, and an administrator who signs in at /v1/console/sign-in.
    """
    from midstage import setup, wiring  # noqa: PLC0415  # few commands need it

    if admin_password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("password", hide_input=True, confirmation_prompt=True, err=True)
    settings = read_settings()
    with on_postgres(settings) as url:
        await check_schema(url)
        database = await Database.open(url, pool_size=2)
        wanted = setup.FirstBrand(
            code=code, name=name, currency=currency, zone=zone, phone_prefix=phone_prefix, sandbox=sandbox
        )
        try:
            wiring.connect_outside()
            begun = await setup.begin_brand(database, wanted, login=admin_login, name=admin_name, password=password)
            if begun.sandbox:
                await setup.furnish_sandbox(database, begun, settings)
        finally:
            await database.close()
    out.print(f"brand {begun.code} is open, and {admin_login.strip().lower()} may do everything in it")


@click.command("import")
@click.argument("kind", type=click.Choice(["stores", "products", "prices", "stock", "members"]))
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--brand", "code", required=True, help="Code of the brand that it is brought into.")
@click.option("--keep-good", is_flag=True, help="Write the good rows of a file with bad ones, instead of none.")
@click.option("--json", "as_json", is_flag=True, help="Say the outcome as JSON.")
@as_async
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
    with on_postgres(settings) as url:
        await check_schema(url)
        # A chunk of rows waits for nobody, and takes as long as it takes.
        database = await Database.open(url, pool_size=2, statement_timeout_ms=300_000)
        try:
            with Progress(console=err, disable=as_json, transient=True) as bar:
                task = bar.add_task(f"{kind} from {file.name}", total=None)
                done = await load.bring_in_file(
                    database,
                    await tenant_of(database, code),
                    load.Kind(kind),
                    file,
                    mode,
                    progress=lambda loaded, total: bar.update(task, completed=loaded, total=total),
                )
        finally:
            await database.close()
    if as_json:
        say_json(done)
    else:
        for bad in done.bad:
            out.print(f"line {bad.line} {bad.column}: {bad.reason_en}", markup=False, highlight=False, soft_wrap=True)
        out.print(f"{done.written} of {done.rows} rows written, {done.bad_rows} bad")
    sys.exit(1 if done.bad_rows else 0)
