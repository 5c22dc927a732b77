"""Which price holds: pure, and proven equal to the SQL that checkout uses."""

import re
from collections.abc import Sequence
from datetime import datetime

import msgspec

from midstage.middle.catalogue import api as catalogue
from midstage.middle.pricing.types import (
    Band,
    BasePrice,
    Candidate,
    OwnPrice,
    PriceContext,
    PriceCurrencyWrong,
    PricedTwice,
    PriceList,
    PriceListPeriodWrong,
    PriceListState,
    PriceWrong,
    Quote,
    Rule,
    Scope,
)

MAX_MINOR = 10**12
MAX_RANK = 10**6
_CURRENCY = re.compile(r"[A-Z]{3}")
_LIST_PRICE = catalogue.Name("吊牌价", "List price")

_RULE_NAMES = {
    Rule.STORE: catalogue.Name("门店", "store"),
    Rule.OWN: catalogue.Name("门店自定价", "store's own price"),
    Rule.OPERATOR: catalogue.Name("经营主体", "operator"),
    Rule.UNIT: catalogue.Name("区域", "region"),
    Rule.LEVEL: catalogue.Name("会员等级", "member level"),
    Rule.CHANNEL: catalogue.Name("销售渠道", "sales channel"),
    Rule.BRAND: catalogue.Name("全品牌", "whole brand"),
    Rule.LIST_PRICE: _LIST_PRICE,
}


def rule_of(scope: Scope) -> Rule:
    """The most particular part of a scope, in the order of precedence."""
    parts = (
        (Rule.STORE, scope.store_id),
        (Rule.OPERATOR, scope.operator_id),
        (Rule.UNIT, scope.unit_id),
        (Rule.LEVEL, scope.level),
        (Rule.CHANNEL, scope.sales_channel),
    )
    return next((rule for rule, part in parts if part is not None), Rule.BRAND)


Precedence = tuple[bool, bool, int, bool, bool, int, datetime, int]


def precedence(price_list: PriceList, context: PriceContext) -> Precedence:
    """The greatest wins: store > operator > deepest unit > level > channel, then rank, later start, later id.

    A scope of several parts is compared part by part, so store and level beats store alone. The SQL of `quote`
    sorts by the same eight values.
    """
    scope = price_list.scope
    depth = 0 if scope.unit_id is None else list(context.unit_path).index(scope.unit_id) + 1
    return (
        scope.store_id is not None,
        scope.operator_id is not None,
        depth,
        scope.level is not None,
        scope.sales_channel is not None,
        price_list.rank,
        price_list.starts_at,
        price_list.price_list_id.int,
    )


def band_of(list_minor: int, policy: catalogue.GoodsPolicy) -> Band | None:
    """Within what a store's own price must lie: rounded inwards, so that no price is out of it by a fraction."""
    if not policy.own_prices:
        return None
    low, high = policy.price_low_percent, policy.price_high_percent
    return Band(low, high, -(-list_minor * low // 100), list_minor * high // 100)


def holds(own_minor: int, list_minor: int, policy: catalogue.GoodsPolicy) -> bool:
    """Whether a store's own price holds at this moment. Out of its band it does not, and is listed as such."""
    band = band_of(list_minor, policy)
    return band is not None and band.holds(own_minor)


def with_own(quoted: Quote, own_minor: int | None, policy: catalogue.GoodsPolicy) -> Quote:
    """The price where the store asks its own: headquarters' lists for that very store come first, all others after."""
    if own_minor is None or quoted.rule is Rule.STORE or not holds(own_minor, quoted.list_minor, policy):
        return quoted
    return msgspec.structs.replace(quoted, unit_minor=own_minor, rule=Rule.OWN, price_list_id=None)


def misfit(price_list: PriceList, context: PriceContext, currency: str, at: datetime) -> catalogue.Name | None:
    """Why a price list does not hold for this sale at this moment; None where it does."""
    scope = price_list.scope
    tests = (
        (price_list.state is PriceListState.LIVE, catalogue.Name("价目表未生效", "The list is not live")),
        (
            price_list.currency == currency,
            catalogue.Name("币种与吊牌价不同", "Its currency is not that of the list price"),
        ),
        (price_list.starts_at <= at, catalogue.Name("尚未开始", "It has not started")),
        (price_list.ends_at is None or at < price_list.ends_at, catalogue.Name("已经结束", "It is over")),
        (scope.store_id in (None, context.store_id), catalogue.Name("适用于其他门店", "It is for another store")),
        (
            scope.operator_id in (None, context.operator_id),
            catalogue.Name("适用于其他经营主体", "It is for another operator"),
        ),
        (
            scope.unit_id is None or scope.unit_id in context.unit_path,
            catalogue.Name("适用于其他区域", "It is for another region"),
        ),
        (scope.level in (None, context.level), catalogue.Name("适用于其他会员等级", "It is for another member level")),
        (
            scope.sales_channel in (None, context.sales_channel),
            catalogue.Name("适用于其他渠道", "It is for another channel"),
        ),
    )
    return next((reason for fits, reason in tests if not fits), None)


def resolve(
    base: BasePrice,
    entries: Sequence[tuple[PriceList, int]],
    context: PriceContext,
    at: datetime,
    *,
    own: OwnPrice | None = None,
    policy: catalogue.GoodsPolicy | None = None,
) -> list[Candidate]:
    """Every price that was looked at, the winner first, then those that held, then those that did not.

    A store's own price, where it holds, comes after headquarters' lists for that very store and before all others.
    """
    found = _lists(base, entries, context, at)
    if own is None:
        return found
    goods = policy or catalogue.GoodsPolicy()
    if own.currency != base.currency or not holds(own.unit_minor, base.list_minor, goods):
        return [*found, _own(own, _why_not(own, base, goods))]
    if found[0].rule is Rule.STORE and found[0].won:
        lost = catalogue.Name("让位于总部为本门店定的价目表", "Headquarters' list for this store comes first")
        return [found[0], _own(own, lost), *found[1:]]
    first = msgspec.structs.replace(
        found[0], won=False, reason_zh="让位于门店自定价", reason_en="The store's own price comes first"
    )
    won = catalogue.Name("门店自定价，在价格带之内", "The store's own price, within its band")
    return [_own(own, won, won=True), first, *found[1:]]


def _own(own: OwnPrice, reason: catalogue.Name, *, won: bool = False) -> Candidate:
    name = _RULE_NAMES[Rule.OWN]
    return Candidate(None, "", name, own.unit_minor, own.currency, Rule.OWN, won, reason.zh, reason.en)


def _why_not(own: OwnPrice, base: BasePrice, policy: catalogue.GoodsPolicy) -> catalogue.Name:
    band = band_of(base.list_minor, policy)
    if band is None:
        return catalogue.Name(
            "商品策略不允许门店自定价，故不生效", "The goods policy allows no prices of the store's own"
        )
    if own.currency != base.currency:
        return catalogue.Name("币种与吊牌价不同", "Its currency is not that of the list price")
    return catalogue.Name(
        f"超出价格带（吊牌价的 {band.low_percent}%–{band.high_percent}%），故不生效",
        f"It is out of the band of {band.low_percent} to {band.high_percent} % of the list price, and does not count",
    )


def _lists(
    base: BasePrice, entries: Sequence[tuple[PriceList, int]], context: PriceContext, at: datetime
) -> list[Candidate]:
    reasons = [(misfit(found, context, base.currency, at), found, minor) for found, minor in entries]
    held = [(found, minor) for reason, found, minor in reasons if reason is None]
    held.sort(key=lambda pair: precedence(pair[0], context), reverse=True)
    return [
        *(_holding(found, minor, held[0][0], place) for place, (found, minor) in enumerate(held)),
        _list_price(base, won=not held),
        *(_candidate(found, minor, reason) for reason, found, minor in reasons if reason is not None),
    ]


def _holding(found: PriceList, minor: int, best: PriceList, place: int) -> Candidate:
    rule, winner = _RULE_NAMES[rule_of(found.scope)], _RULE_NAMES[rule_of(best.scope)]
    if place == 0:
        return _candidate(
            found, minor, catalogue.Name(f"按{rule.zh}的价目表优先", f"The {rule.en} list comes first"), won=True
        )
    if rule != winner:
        zh, en = f"让位于按{winner.zh}的价目表", f"A {winner.en} list comes first"
    else:
        zh, en = "让位于范围更细、级别更高或更新的价目表", "A narrower, higher ranked or newer list comes first"
    return _candidate(found, minor, catalogue.Name(zh, en))


def _candidate(found: PriceList, minor: int, reason: catalogue.Name, *, won: bool = False) -> Candidate:
    rule = rule_of(found.scope)
    return Candidate(
        found.price_list_id, found.code, found.name, minor, found.currency, rule, won, reason.zh, reason.en
    )


def _list_price(base: BasePrice, *, won: bool) -> Candidate:
    zh, en = ("没有适用的价目表", "No price list holds") if won else ("让位于价目表", "A price list comes first")
    return Candidate(None, "", _LIST_PRICE, base.list_minor, base.currency, Rule.LIST_PRICE, won, zh, en)


def check_base(price: BasePrice) -> None:
    """Raises PriceWrong, PriceCurrencyWrong."""
    check_currency(price.currency)
    check_minor(str(price.sku_id), price.list_minor)
    if price.supply_minor is not None:
        check_minor(str(price.sku_id), price.supply_minor)


def check_minor(sku: str, minor: int) -> None:
    if not 0 <= minor <= MAX_MINOR:
        raise PriceWrong(sku, minor)


def check_currency(currency: str) -> None:
    if not _CURRENCY.fullmatch(currency):
        raise PriceCurrencyWrong(currency[:10])


def check_distinct(sku_ids: Sequence[object]) -> None:
    """Raises PricedTwice for the first sku that comes again."""
    seen: set[object] = set()
    for sku in sku_ids:
        if sku in seen:
            raise PricedTwice(str(sku))
        seen.add(sku)


def check_period(starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at <= starts_at:
        raise PriceListPeriodWrong
