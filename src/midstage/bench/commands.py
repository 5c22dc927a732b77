"""`midstage bench`: the benchmarks as commands."""

import json
from typing import Any

import click
import msgspec
from rich.console import Console

from midstage.bench import orders as bench_orders
from midstage.bench.ground import Size
from midstage.kit.settings import read_settings

_err = Console(stderr=True)


@click.group()
def bench() -> None:
    """Measure. Each benchmark makes its own throw-away database; figures are ratios within one run."""


@bench.command()
@click.option("--seconds", default=10, show_default=True, help="How long the application is under load.")
@click.option("--concurrency", default=32, show_default=True, help="Connections of the load generator, and of pgbench.")
@click.option("--small", is_flag=True, help="A small brand, to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Say the figures as JSON.")
def orders(*, seconds: int, concurrency: int, small: bool, as_json: bool) -> None:
    """Place and pay orders of 5 lines through HTTP; the bare statements in pgbench stand beside it."""
    size = Size(stores=10, skus=200, members=500, tokens=200, stocked=200) if small else Size()
    with _err.status("stores, goods, stock, members") as status:
        result = bench_orders.run(
            read_settings(), size, seconds=seconds, concurrency=concurrency, say=lambda text: status.update(text)
        )
    _print(result, as_json=as_json)


def _print(result: Any, *, as_json: bool) -> None:
    figures = msgspec.to_builtins(result)
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:>16}  {value}")
