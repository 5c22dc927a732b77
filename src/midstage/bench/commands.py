"""`midstage bench`: the benchmarks as commands."""

import json
import sys
from typing import Any

import click
import msgspec
from rich.console import Console

from midstage.bench import counter as bench_counter
from midstage.bench import facts as bench_facts
from midstage.bench import growth as bench_growth
from midstage.bench import merge as bench_merge
from midstage.bench import orders as bench_orders
from midstage.bench import oversell as bench_oversell
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
        result = bench_orders.run(read_settings(), size, seconds=seconds, concurrency=concurrency, say=status.update)
    _print(result, as_json=as_json)


@bench.command()
@click.option("--json", "as_json", is_flag=True, help="Say the figures as JSON.")
def oversell(*, as_json: bool) -> None:
    """Let 64 connections fight for 5 skus of 200 units, with every end that an order can have.

    Exit code 1 if a unit was sold twice or lost, if there was a deadlock, or if the doctor finds anything.
    """
    with _err.status("a shop") as status:
        result = bench_oversell.run(say=status.update)
    _print(result, as_json=as_json)
    sys.exit(0 if result.well else 1)


@bench.command()
@click.option("--orders", "count", default=bench_growth.ORDERS, show_default=True, help="How many the large book has.")
@click.option("--json", "as_json", is_flag=True, help="Say the figures as JSON.")
def growth(*, count: int, as_json: bool) -> None:
    """Compare what an order and a page of the order list cost on a large book and on one of 10,000 orders."""
    with _err.status("a brand") as status:
        result = bench_growth.run(say=status.update, count=count)
    _print(result, as_json=as_json)


@bench.command()
@click.option("--seconds", default=20, show_default=True, help="How long facts are told, half of it quiet.")
@click.option("--json", "as_json", is_flag=True, help="Say the figures as JSON.")
def facts(*, seconds: int, as_json: bool) -> None:
    """Deliver facts, quiet and while another transaction stays open. Exit code 1 if one was lost or doubled."""
    with _err.status("a database") as status:
        result = bench_facts.run(seconds=seconds, say=status.update)
    _print(result, as_json=as_json)
    sys.exit(1 if result.lost or result.doubled else 0)


@bench.command()
@click.option("--persons", default=bench_merge.PERSONS, show_default=True, help="How many persons there are.")
@click.option("--calls", default=bench_merge.CALLS, show_default=True, help="How many calls are measured.")
@click.option("--json", "as_json", is_flag=True, help="Say the figures as JSON.")
def merge(*, persons: int, calls: int, as_json: bool) -> None:
    """Say who somebody is, among a million persons; merge two with 10,000 orders each, and undo it.

    Exit code 1 if a row that hangs on a person was rewritten, or if the doctor finds anything.
    """
    with _err.status("a brand") as status:
        result = bench_merge.run(say=status.update, persons=persons, calls=calls)
    _print(result, as_json=as_json)
    sys.exit(1 if result.rewritten_rows or result.doctor else 0)


@bench.command()
@click.option("--seconds", default=20, show_default=True, help="How long 100 sales a second are made.")
@click.option("--offline", default=10_000, show_default=True, help="How many offline sales are told.")
@click.option("--small", is_flag=True, help="A small brand, to see that it works.")
@click.option("--json", "as_json", is_flag=True, help="Say the figures as JSON.")
def counter(*, seconds: int, offline: int, small: bool, as_json: bool) -> None:
    """Sell 8 lines by barcode from 16 tills; then let 50 tills tell of offline sales while the network is cut.

    Exit code 1 if a sale failed, or an offline sale was booked twice or lost, or the doctor finds anything.
    """
    size = Size(stores=30, skus=200, members=500, tokens=1, stocked=200) if small else Size(tokens=1)
    with _err.status("stores, goods, stock, members") as status:
        result = bench_counter.run(read_settings(), size, seconds=seconds, offline=offline, say=status.update)
    _print(result, as_json=as_json)
    sys.exit(0 if result.well else 1)


def _print(result: Any, *, as_json: bool) -> None:
    figures = msgspec.to_builtins(result)
    if as_json:
        click.echo(json.dumps(figures))
        return
    for name, value in figures.items():
        click.echo(f"{name:>16}  {value}")
