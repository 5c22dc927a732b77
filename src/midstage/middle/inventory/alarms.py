"""Low-stock alarms: raised once when too little is free, ended when enough is free again.

Nothing is looked at while stock is promised or sold: a sweep follows the movements, and a nightly one looks at all,
because recent sales change with the days.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.facts import Delivered
from midstage.kit.ids import new_id
from midstage.kit.jobs import Nothing, enqueue
from midstage.kit.money import MILLI
from midstage.kit.paging import Page, PageRequest
from midstage.middle.catalogue import api as catalogue
from midstage.middle.inventory import rules, store
from midstage.middle.inventory.facts import StockRanLow, StockRecovered
from midstage.middle.inventory.locations import check_known
from midstage.middle.inventory.policies import STOCK_ALARMS, TRANSFERS, AlarmPolicy, Between, store_of
from midstage.middle.inventory.store import Low, Watched
from midstage.middle.inventory.transfers import check_lines
from midstage.middle.inventory.types import LocationId, Near, Option, QuantityInvalid, SkuId
from midstage.middle.inventory.work import LINES_LIMIT, Alarm, AlarmFilter, AlarmId, Key, Step
from midstage.middle.inventory.work_refusals import NoSuchAlarm, SnoozeWrong
from midstage.middle.organisation import api as organisation

LOOK_AT_ALL = "look_at_all_stock"
SWEEP = 5_000
SWEEPS = 10
ALL = 2_000
SNOOZE_DAYS = 90
SOURCES = 10
_FIRST: Key = (LocationId(UUID(int=0)), SkuId(UUID(int=0)))


async def set_alarm_levels(tx: Tx, location: LocationId, min_milli: Mapping[SkuId, int | None]) -> None:
    """Say below which quantity a sku is low at a location, instead of what the policy says; None lets that hold again.

    Raises NoSuchLocation, QuantityInvalid.
    """
    levels = {sku: milli for sku, milli in min_milli.items() if milli is not None}
    dropped = [sku for sku, milli in min_milli.items() if milli is None]
    if not 1 <= len(min_milli) <= LINES_LIMIT:
        raise QuantityInvalid(f"{len(min_milli)} skus")
    if levels:
        check_lines(levels, least=0)
    await check_known(tx, [location])
    await store.set_levels(tx, location, levels)
    await store.drop_levels(tx, location, dropped)
    tx.note("inventory.set_alarm_levels", "location", location, after={str(sku): n for sku, n in min_milli.items()})
    await look_at(tx, [(location, sku) for sku in min_milli])


async def alarm_levels(tx: Tx, location: LocationId, page: PageRequest) -> Page[tuple[SkuId, int]]:
    """The levels that were set for a location, by sku."""
    place = page.place(tuple[SkuId])
    rows = await store.levels(tx, location, _FIRST[1] if place is None else place[0], page.fetch)
    return page.page(rows, lambda row: (row[0],))


async def look_at(tx: Tx, keys: Iterable[Key]) -> int:
    """Raise and end the alarms of some stock rows; returns how many of both."""
    rows = await store.watched(tx, sorted(set(keys)))
    if not rows:
        return 0
    policies = await _policies(tx, rows)
    levels = await _levels(tx, rows, policies)
    low = [
        Low(AlarmId(new_id()), row.location_id, row.sku_id, level, row.free_milli)
        for row in rows
        if row.alarm_id is None and (level := levels.get((row.location_id, row.sku_id), 0)) > row.free_milli
    ]
    over = {
        row.alarm_id: row
        for row in rows
        if row.alarm_id is not None
        and _is_clear(row, levels.get((row.location_id, row.sku_id), 0), policies[row.location_id])
    }
    raised = await store.raise_alarms(tx, low) if low else set[AlarmId]()
    ended = await store.resolve_alarms(tx, list(over)) if over else set[AlarmId]()
    for one in low:
        if one.alarm_id in raised:
            tx.tell(StockRanLow(**msgspec.structs.asdict(one)))
    for number in ended:
        row = over[number]
        tx.tell(
            StockRecovered(
                alarm_id=number, location_id=row.location_id, sku_id=row.sku_id, free_milli=max(0, row.free_milli)
            )
        )
    return len(raised) + len(ended)


async def sweep_alarms(tx: Tx) -> int:
    """Look at what moved since the last time; returns how many movements there were. For the sweep."""
    at = await store.follow(tx, "alarms")
    if at is None:
        return 0
    chosen = await organisation.choices(tx, STOCK_ALARMS.code)
    if not chosen and not await store.anything_watched(tx):
        await store.move_follow(tx, "alarms", at, at.safe_id)
        return 0
    after, seen = at.through_id, 0
    for _ in range(SWEEPS):
        found = await store.touched(tx, after, SWEEP)
        await look_at(tx, {key for _, key in found})
        seen += len(found)
        after = found[-1][0] if found else after
        if len(found) < SWEEP:
            after = max(after, at.safe_id)
            break
    await store.move_follow(tx, "alarms", at, min(after, at.safe_id))
    return seen


async def note_policy_changed(tx: Tx, delivered: Delivered[organisation.PolicyChanged]) -> None:
    """Listen to PolicyChanged: where the policy of alarms changed, all stock is looked at anew."""
    if delivered.fact.code == STOCK_ALARMS.code:
        await enqueue(tx, LOOK_AT_ALL, Nothing(), dedupe_key="policy")


async def look_at_all(tx: Tx, after: Key | None = None) -> Key | None:
    """Look at the next stock rows, by location and sku; returns where to go on. For the nightly sweep."""
    keys = await store.next_stock(tx, after or _FIRST, ALL)
    await look_at(tx, keys)
    return keys[-1] if len(keys) == ALL else None


async def alarms(tx: Tx, wanted: AlarmFilter, page: PageRequest) -> Page[Alarm]:
    """What is low, the latest first, with how much would fill it up."""
    place = page.place(tuple[AlarmId])
    rows = await store.alarms(tx, wanted, None if place is None else place[0], page.fetch)
    stores = await organisation.stores(
        tx, [organisation.StoreId(one) for one in sorted({row.location_id for row in rows})]
    )
    policies = await _policies_of(tx, stores.values())
    return page.page(
        [_suggest(row, policies.get(row.location_id, STOCK_ALARMS.settings())) for row in rows],
        lambda row: (row.alarm_id,),
    )


async def alarm(tx: Tx, alarm_id: AlarmId) -> Alarm:
    """One alarm. Raises NoSuchAlarm."""
    found = await store.alarm(tx, alarm_id)
    if found is None:
        raise NoSuchAlarm(alarm_id)
    policy = await organisation.settings_of(tx, STOCK_ALARMS, await store_of(tx, found.location_id))
    return _suggest(found, policy)


async def alarm_sources(tx: Tx, alarm_id: AlarmId) -> list[Near]:
    """Who could give some of it, the nearest first: locations whose transfer policy allows it. Raises NoSuchAlarm."""
    low = await alarm(tx, alarm_id)
    known = {one.location_id: one for one in await store.locations(tx, None)}
    here = known[low.location_id]
    stores = await organisation.stores(tx)
    between = await organisation.standings_of(tx, TRANSFERS, stores.values())
    candidates = [
        one.location_id
        for one in known.values()
        if one.active
        and one.location_id != low.location_id
        and (one.operator_id == here.operator_id or _gives(between.get(organisation.StoreId(one.location_id))))
    ]
    found = await store.options(tx, [low.sku_id], near=here.place, candidates=candidates, seller=None, limit=200)
    return [_near(option, here.place, known[option.location_id].place) for option in found[:SOURCES]]


async def snooze_alarm(tx: Tx, alarm_id: AlarmId, until: datetime) -> None:
    """Leave it out of the list until then. Raises NoSuchAlarm, SnoozeWrong."""
    if not tx.now < until <= tx.now + timedelta(days=SNOOZE_DAYS):
        raise SnoozeWrong
    if not await store.snooze(tx, alarm_id, until):
        raise NoSuchAlarm(alarm_id)
    store.add_step(tx, "alarm", alarm_id, "snooze", lines=[{"until": until}])
    tx.note("inventory.snooze_alarm", "stock_alarm", alarm_id, after={"until": until})


async def alarm_steps(tx: Tx, alarm_id: AlarmId) -> list[Step]:
    """Who put it off, and until when."""
    return await store.steps(tx, "alarm", alarm_id)


async def _policies(tx: Tx, rows: Sequence[Watched]) -> dict[LocationId, AlarmPolicy]:
    places = sorted({row.location_id for row in rows})
    stores = await organisation.stores(tx, [organisation.StoreId(place) for place in places])
    known = await _policies_of(tx, stores.values())
    plain = await organisation.settings_of(tx, STOCK_ALARMS) if len(known) < len(places) else STOCK_ALARMS.settings()
    return {place: known.get(place, plain) for place in places}


async def _policies_of(tx: Tx, stores: Iterable[organisation.Store]) -> dict[LocationId, AlarmPolicy]:
    found = await organisation.standings_of(tx, STOCK_ALARMS, stores)
    return {LocationId(store_id): one.settings for store_id, one in found.items()}


async def _levels(tx: Tx, rows: Sequence[Watched], policies: Mapping[LocationId, AlarmPolicy]) -> dict[Key, int]:
    """Below which each is low; what has no level is left out."""
    levels = {(row.location_id, row.sku_id): row.min_milli for row in rows if row.min_milli is not None}
    others = [row for row in rows if row.min_milli is None]
    by_category = await _by_category(tx, others, policies)
    for row in others:
        key, policy = (row.location_id, row.sku_id), policies[row.location_id]
        level = by_category.get(key, policy.min_milli)
        if level is not None:
            levels[key] = level
    covered: dict[tuple[int, int], list[Key]] = {}
    for row in others:
        policy = policies[row.location_id]
        if policy.cover_days is not None and policy.recent_days > 0:
            covered.setdefault((policy.cover_days, policy.recent_days), []).append((row.location_id, row.sku_id))
    for (cover, recent), keys in covered.items():
        sold = await store.sold_since(tx, keys, tx.now - timedelta(days=recent))
        for key in keys:
            levels[key] = max(levels.get(key, 0), -(-max(0, sold.get(key, 0)) * cover // recent))
    return levels


async def _by_category(tx: Tx, rows: Sequence[Watched], policies: Mapping[LocationId, AlarmPolicy]) -> dict[Key, int]:
    """The levels of the nearest category that has one."""
    codes = sorted({code for policy in policies.values() for code in policy.by_category})
    if not codes:
        return {}
    ids = {category: code for code, category in (await catalogue.category_ids(tx, codes)).items()}
    offers = await catalogue.offers(tx, sorted({row.sku_id for row in rows}))
    found: dict[Key, int] = {}
    for row in rows:
        offer = offers.get(row.sku_id)
        levels = policies[row.location_id].by_category
        path = [] if offer is None else [ids.get(category, "") for category in offer.category_path]
        nearest = next((code for code in reversed(path) if code in levels), None)
        if nearest is not None:
            found[row.location_id, row.sku_id] = levels[nearest]
    return found


def _is_clear(row: Watched, level: int, policy: AlarmPolicy) -> bool:
    """Whether enough is free again: some more than the level, so that an alarm does not flutter."""
    return level == 0 or row.free_milli * 100 >= level * max(100, policy.clear_percent)


def _suggest(row: Alarm, policy: AlarmPolicy) -> Alarm:
    """How much would fill it up, in whole units."""
    short = row.level_milli * max(100, policy.refill_percent) // 100 - row.free_milli - row.incoming_milli
    whole = -(-max(0, short) // MILLI) * MILLI
    return msgspec.structs.replace(row, suggested_milli=0 if row.resolved_at else whole)


def _gives(standing: organisation.Standing[Any] | None) -> bool:
    return standing is not None and standing.settings.between is Between.ANY_WITH_CONSENT


def _near(option: Option, here: organisation.Place | None, there: organisation.Place | None) -> Near:
    metres = 0 if here is None or there is None else round(rules.metres(here, there))
    return Near(option.location_id, metres, option.free_milli)
