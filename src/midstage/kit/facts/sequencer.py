"""The sequencer: gives every fact its number, in an order that no open transaction can stall.

Source of the method: two snapshots. The last snapshot s1 is kept; a pass takes s2 and numbers, in id order, the facts
visible in s2 whose transaction began after s1 or was still running in it. Whatever was running in s1 and still runs
in s2 stays in s2's own list and comes with a later pass; what rolled back never becomes visible.
"""

import asyncio
import contextlib
import os
import socket
from datetime import timedelta

from midstage.kit.database import TRANSIENT, Connection, Database
from midstage.kit.facts import metrics

CHANNEL = "midstage_facts"
LEASE = timedelta(seconds=5)
BUSY_PAUSE_S = 0.01
IDLE_PAUSE_S = 0.05
OUTAGE_PAUSE_S = 0.5
_IDLE_AFTER = 20  # passes without a fact

# The row is locked first, so two sequencers can never number at once; the lease only spares the second the work.
_TAKE = """
select snapshot::text as snapshot, system_identifier,
       (select system_identifier from pg_control_system()) as present_system
  from sequencer
 where leased_by = $1 or leased_until < clock_timestamp()
   for update skip locked
"""

_BEGIN = """
insert into sequencer (snapshot, system_identifier)
select '1:1:'::pg_snapshot, 0
on conflict do nothing
"""

# Facts of transactions that began after s1, or were still running in it, and are visible in s2.
_SINCE = """
  select id, brand_id, recorded_at from fact
   where xid >= $1::text::xid8 and xid < $2::text::xid8 and pg_visible_in_snapshot(xid, $4::text::pg_snapshot)
  union all
  select id, brand_id, recorded_at from fact
   where xid = any($3::text[]::xid8[]) and pg_visible_in_snapshot(xid, $4::text::pg_snapshot)
"""

# After a restore into another cluster the kept snapshot means nothing: whatever lacks a number gets one, once.
_ALL = """
  select id, brand_id, recorded_at from fact
   where num_nonnulls($1::text, $2::text, $3::text[], $4::text) > 0
"""

# The anti-join guards what xids cannot: after a restore, old rows carry xids that the new cluster will give out again.
_NUMBER = """
), fresh as (
  select c.id, c.brand_id, c.recorded_at, row_number() over (partition by c.brand_id order by c.id) as nth
    from candidate c
   where not exists (select from fact_number n where n.fact_id = c.id and n.recorded_at = c.recorded_at)
), counted as (
  select brand_id, count(*) as facts from fresh group by brand_id
), head as (
  insert into fact_head as h (brand_id, number)
  select brand_id, facts from counted
  on conflict (brand_id) do update set number = h.number + excluded.number
  returning h.brand_id, h.number
), numbered as (
  insert into fact_number (brand_id, number, fact_id, recorded_at)
  select f.brand_id, h.number - k.facts + f.nth, f.id, f.recorded_at
    from fresh f join head h using (brand_id) join counted k using (brand_id)
  returning 1
)
select count(*) from numbered
"""
_NUMBER_SINCE = "with candidate as (" + _SINCE + _NUMBER
_NUMBER_ALL = "with candidate as (" + _ALL + _NUMBER

_MOVE = """
update sequencer
   set snapshot = $1::text::pg_snapshot, system_identifier = $2, leased_by = $3,
       leased_until = clock_timestamp() + $4::interval, passes = passes + 1
"""


class Sequencer:
    """One of any number of would-be sequencers; whoever holds the lease works, the others wait for it to lapse."""

    def __init__(self, database: Database, *, name: str | None = None) -> None:
        self._database = database
        self.name = name or f"{socket.gethostname()}:{os.getpid()}:{id(self):x}"

    async def run(self, stop: asyncio.Event) -> None:
        """Number facts until told to stop, then give the lease back."""
        quiet = 0
        while not stop.is_set():
            numbered = await self._pass_or_pause()
            quiet = 0 if numbered else quiet + 1
            pause = IDLE_PAUSE_S if numbered is None or quiet > _IDLE_AFTER else BUSY_PAUSE_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
        await self.release()

    async def number(self) -> int | None:
        """One pass: how many facts got their number, or None where another sequencer holds the lease."""
        async with self._database.connection() as link, link.transaction():
            row = await link.fetchrow(_TAKE, self.name)
            if row is None:
                await link.execute(_BEGIN)
                return None
            present = await link.fetchval("select pg_current_snapshot()::text")
            same_cluster = row["system_identifier"] == row["present_system"]
            numbered = await self._give_numbers(link, row["snapshot"], present, same_cluster=same_cluster)
            await link.execute(_MOVE, present, row["present_system"], self.name, LEASE)
            if numbered:
                await link.execute(f"notify {CHANNEL}")
            return numbered

    async def release(self) -> None:
        """Let another sequencer begin at once."""
        async with self._database.connection() as link:
            await link.execute("update sequencer set leased_until = '-infinity' where leased_by = $1", self.name)

    async def _give_numbers(self, link: Connection, last: str, present: str, *, same_cluster: bool) -> int:
        _, last_xmax, last_running = parse_snapshot(last)
        _, present_xmax, _ = parse_snapshot(present)
        statement = _NUMBER_SINCE if same_cluster else _NUMBER_ALL
        return int(await link.fetchval(statement, last_xmax, present_xmax, last_running, present))

    async def _pass_or_pause(self) -> int | None:
        try:
            numbered = await self.number()
        except TRANSIENT as error:
            metrics.OUTAGES.labels("sequencer", type(error).__name__).inc()
            await asyncio.sleep(OUTAGE_PAUSE_S)
            return None
        if numbered:
            metrics.NUMBERED.inc(numbered)
        return numbered


def parse_snapshot(text: str) -> tuple[str, str, list[str]]:
    """The text `xmin:xmax:xip,xip` of a snapshot, in its three parts."""
    xmin, xmax, running = text.split(":")
    return xmin, xmax, running.split(",") if running else []
