"""The doctor: runs the checks that each door offers, over every brand, and says what is not as it should be."""

from collections.abc import Awaitable, Callable

import msgspec

from midstage import migrations
from midstage.kit.clock import Tenant
from midstage.kit.database import SCHEMA_VERSION_QUERY, Database, Tx
from midstage.kit.facts import aside
from midstage.kit.facts.subscribers import Deliverer
from midstage.kit.findings import Finding
from midstage.kit.ids import BrandId
from midstage.middle.organisation import api as organisation
from midstage.wiring import CHECKS, subscribers

Progress = Callable[[str], None]


class Examined(msgspec.Struct, frozen=True):
    """One check of one brand, and what it found."""

    brand: str
    module: str
    findings: list[Finding]


class Diagnosis(msgspec.Struct, frozen=True):
    """Everything that was looked at. It is well when nothing was found."""

    examined: list[Examined]

    @property
    def findings(self) -> list[Finding]:
        return [finding for one in self.examined for finding in one.findings]


async def examine(database: Database, *, progress: Progress | None = None) -> Diagnosis:
    """Run every check of every brand, each in one snapshot, so that traffic does not disturb it."""
    examined = [Examined("*", "schema", await _schema(database))]
    for tenant in await organisation.tenants(database):
        for module, check in {**CHECKS, "facts": _facts(database, tenant)}.items():
            if progress:
                progress(f"{tenant.code}: {module}")
            async with database.reading(tenant, snapshot=True) as tx:
                examined.append(Examined(tenant.code, module, await check(tx)))
    return Diagnosis(examined)


async def _schema(database: Database) -> list[Finding]:
    async with database.connection() as link:
        present = await link.fetchval(SCHEMA_VERSION_QUERY)
    if present == migrations.head():
        return []
    row = {"present": present, "expected": migrations.head()}
    return [Finding("schema", "the schema is not at the revision of this release; run midstage migrate", row)]


def _facts(database: Database, tenant: Tenant) -> Callable[[Tx], Awaitable[list[Finding]]]:
    async def check(tx: Tx) -> list[Finding]:
        return await _cursors(tx) + await _aside(database, tenant) + await _ahead(database, tenant)

    return check


_NUMBERS = """
select h.number as head, count(n.number) as numbered, min(n.number) as oldest
  from fact_head h left join fact_number n on n.brand_id = h.brand_id
 where h.brand_id = $1 group by h.number
"""


async def _cursors(tx: Tx) -> list[Finding]:
    """Numbers run without a gap from the oldest kept to the head."""
    row = await tx.row(_NUMBERS, tx.brand)
    if row is None or row["oldest"] is None or row["numbered"] == row["head"] - row["oldest"] + 1:
        return []
    return [Finding("facts.numbers", "the numbers of the facts have a gap", dict(row))]


async def _aside(database: Database, tenant: Tenant) -> list[Finding]:
    """Nothing waits for a person."""
    return [
        Finding("facts.set_aside", "a fact is set aside and waits for a person", msgspec.to_builtins(held))
        for held in await aside.held(database, brand=tenant.brand)
        if held.state == "set_aside"
    ]


async def _ahead(database: Database, tenant: Tenant) -> list[Finding]:
    """No cursor stands beyond the head. (Being behind is no fault: the worker may not be running.)"""

    async def tenant_of(_: BrandId) -> Tenant:
        return tenant

    return [
        Finding("facts.cursor", "a cursor stands beyond the newest fact", msgspec.to_builtins(lag))
        for lag in await Deliverer(database, subscribers(), tenant_of).lags()
        if lag.brand == tenant.brand and lag.behind < 0
    ]
