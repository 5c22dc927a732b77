"""How often somebody may call: one limit over all processes, that costs most calls no statement.

A subject (a key, a session, an address) has a bucket of a minute's calls in the database, which fills steadily. A
process takes calls out of it by the lease: a second's worth at a time, spent from memory. And the first few calls of a
subject are let through on trust and reported with its next lease, so a shopper who looks around never reaches the
database at all. The price: a subject that goes to every process gets at most 1/TRUST of its limit more from each.

Source of the bucket: the token bucket (Turner 1986); of the headers: draft-ietf-httpapi-ratelimit-headers, the form
with one header a figure (RateLimit-Limit, -Remaining, -Reset).
"""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec

from midstage.kit.database import TRANSIENT, Database
from midstage.kit.ids import BrandId
from midstage.kit.refusals import Text, TooMany

TRUST = 20
LEASE_S = 1.0
MOST_SUBJECTS = 50_000
FORGOTTEN_AFTER = timedelta(hours=1)
NO_BRAND = BrandId(0)
_MINUTE_S = 60.0

# What comes in is reported first (or given back: then $5 is below 0), then up to $6 calls are taken of what is left.
# A debt is of a minute at most.
LEASE = """
insert into rate_bucket as b (brand_id, subject, level, filled_at)
values ($1, $2, greatest(-$3::float8, least($3, $3 - $5) - least($6, greatest(0, floor(least($3, $3 - $5))))),
        clock_timestamp())
on conflict (brand_id, subject) do update
   set level = greatest(-$3,
         least($3, least($3, b.level + $4 * extract(epoch from excluded.filled_at - b.filled_at)) - $5)
         - least($6, greatest(0, floor(
             least($3, least($3, b.level + $4 * extract(epoch from excluded.filled_at - b.filled_at)) - $5))))),
       filled_at = greatest(b.filled_at, excluded.filled_at)
returning old.level as before, old.filled_at as before_at, new.level as after, new.filled_at as after_at
"""

FORGET = """
delete from rate_bucket where ctid = any (array(
  select ctid from rate_bucket where filled_at < $1 limit 10000 for update skip locked))
"""


class TooManyCalls(TooMany):
    """A key, a session or an address makes so many calls a minute; more wait until there is room again."""

    text = Text(
        zh="调用过于频繁（每分钟 {limit} 次），请 {retry_after_s} 秒后再试",
        en="Too many calls: {limit} a minute are allowed; try again in {retry_after_s} s.",
    )
    limit: int
    retry_after_s: int


class Standing(msgspec.Struct, frozen=True):
    """What a caller may still do: calls of a minute, how many are left, and in how many seconds all are again."""

    limit: int
    left: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """The RateLimit headers."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(self.left),
            "RateLimit-Reset": str(self.reset_s),
        }


class _Account(msgspec.Struct):
    """What this process knows of a subject."""

    at: float
    trusted: float = 0.0
    """Calls let through and not reported yet; what the bucket would have refilled meanwhile is off again."""
    leased: float = 0.0
    leased_until: float = 0.0
    level: float = math.inf
    """What the bucket held after the last lease; infinite before there was one."""
    level_at: float = 0.0


class Limits:
    """The limits of one process. Any number of processes share the buckets of a database."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._accounts: OrderedDict[tuple[BrandId, bytes], _Account] = OrderedDict()

    async def take(self, brand: BrandId, subject: str, per_minute: int) -> Standing | None:
        """Count one call of a subject; None where `per_minute` is 0, which is no limit. Raises TooManyCalls."""
        if per_minute == 0:
            return None
        key = (brand, hashlib.blake2b(subject.encode(), digest_size=16).digest())
        now, rate = self._clock(), per_minute / _MINUTE_S
        account = self._account(key, now)
        account.trusted = max(0.0, account.trusted - (now - account.at) * rate / TRUST)
        account.at = now
        if account.leased >= 1 and now < account.leased_until:
            account.leased -= 1
        elif account.level >= 1 and account.trusted + 1 <= max(1, per_minute // TRUST):
            account.trusted += 1
        else:
            await self._lease(key, account, per_minute, now)
        return self._standing(account, per_minute, now)

    def _account(self, key: tuple[BrandId, bytes], now: float) -> _Account:
        found = self._accounts.get(key)
        if found is None:
            while len(self._accounts) >= MOST_SUBJECTS:
                self._accounts.popitem(last=False)
            found = self._accounts[key] = _Account(now)
        self._accounts.move_to_end(key)
        return found

    async def _lease(self, key: tuple[BrandId, bytes], account: _Account, per_minute: int, now: float) -> None:
        """Report, and take a second's worth, of which this call is the first. An outage of the database refuses nobody."""
        rate = per_minute / _MINUTE_S
        if account.level < 1 and now < account.level_at + (1 - account.level) / rate:
            raise self._refused(account, per_minute, now)  # known without asking
        want = max(1, math.ceil(rate * LEASE_S))
        # Two calls at once must not report the same twice.
        spent, account.trusted = account.trusted - account.leased, 0.0
        account.leased = 0.0
        try:
            async with self._database.connection() as link:
                row = await link.fetchrow(LEASE, *key, float(per_minute), rate, spent, want)
        except TRANSIENT:
            return
        if row is None:
            raise AssertionError("an upsert returns its row")
        before = float(per_minute)
        if row["before"] is not None:
            waited = max(0.0, (row["after_at"] - row["before_at"]).total_seconds())
            before = min(before, row["before"] + rate * waited)
        granted = round(min(per_minute, before - spent) - row["after"]) if row["after"] > -per_minute else 0
        account.level, account.level_at = row["after"], now
        if granted < 1:
            raise self._refused(account, per_minute, now)
        account.leased += granted - 1
        account.leased_until = now + LEASE_S

    def _refused(self, account: _Account, per_minute: int, now: float) -> TooManyCalls:
        rate = per_minute / _MINUTE_S
        wait = account.level_at + (1 - account.level) / rate - now
        return TooManyCalls(per_minute, max(1, math.ceil(wait)))

    def _standing(self, account: _Account, per_minute: int, now: float) -> Standing:
        rate = per_minute / _MINUTE_S
        level = min(float(per_minute), account.level + rate * (now - account.level_at))
        left = max(0, min(per_minute, math.floor(level + account.leased - account.trusted)))
        return Standing(per_minute, left, math.ceil((per_minute - left) / rate))


async def forget(database: Database, now: datetime) -> int:
    """Drop the buckets of those who have not called for long: they are full again. Returns how many."""
    gone = 0
    async with database.connection() as link:
        while True:
            count = int((await link.execute(FORGET, now - FORGOTTEN_AFTER)).rpartition(" ")[2])
            gone += count
            if count < 10_000:
                return gone
