"""Whether a product is sold somewhere, and why: one pure function decides and explains."""

from collections.abc import Iterator, Sequence

import msgspec

from midstage.middle.catalogue.listing_types import (
    Goods,
    Listing,
    ListingKind,
    ListingScope,
    Reason,
    Rule,
    Selling,
    Standing,
)
from midstage.middle.catalogue.policy import GoodsMode
from midstage.middle.organisation import api as organisation

_HOLDERS = {
    organisation.Level.BRAND: ("品牌", "the brand"),
    organisation.Level.UNIT: ("所属区域", "its region"),
    organisation.Level.OPERATOR: ("所属经营主体", "its operator"),
    organisation.Level.STORE: ("本门店", "the store"),
}


def judge(goods: Goods, here: Selling, standing: Standing) -> list[Reason]:
    """Every rule that has something to say, in order; the first that is against it decides, else the last that is for it.

    On sale at all > parts of a bundle > whose own it is > withheld > listed for certain places > opted out.
    """
    return decide([*_state(goods), *_own(goods, here, standing), *_rows(goods, here, standing)])


def decide(reasons: Sequence[Reason]) -> list[Reason]:
    """Mark the one that the answer rests on. Nothing said is nothing decided."""
    against = [place for place, one in enumerate(reasons) if one.allows is False]
    favouring = [place for place, one in enumerate(reasons) if one.allows]
    chosen = against[0] if against else favouring[-1] if favouring else None
    return [msgspec.structs.replace(one, decided=place == chosen) for place, one in enumerate(reasons)]


def against(reasons: Sequence[Reason]) -> Reason | None:
    """The reason why not; None where it is sold."""
    return next((one for one in reasons if one.decided and not one.allows), None)


def _state(goods: Goods) -> Iterator[Reason]:
    if goods.live:
        yield Reason(Rule.LIVE, allows=True, zh="商品已上架", en="The product is live")
    else:
        yield Reason(Rule.LIVE, allows=False, zh="商品或规格未上架", en="The product or sku is not live")
    if goods.unready_parts:
        codes = ", ".join(goods.unready_parts)
        yield Reason(
            Rule.PARTS,
            allows=False,
            zh=f"组合商品的组成规格未上架：{codes}",
            en=f"It is a bundle, and these parts are not live: {codes}",
        )


def _own(goods: Goods, here: Selling, standing: Standing) -> Iterator[Reason]:
    if goods.owner is None:
        return
    if goods.owner.holds(here.store):
        if standing.settings.mode is GoodsMode.CENTRAL_PLUS_OWN:
            yield Reason(Rule.OWN_GOODS, allows=True, zh="本门店的自营商品", en="It is the store's own")
        else:
            zh, en = _holder(standing)
            yield Reason(
                Rule.POLICY,
                allows=False,
                zh=f"商品策略（{zh}）不允许自营商品",
                en=f"The goods policy ({en}) allows no goods of one's own",
            )
    elif any(_fitting(goods, here, ListingKind.LISTED)):
        yield Reason(
            Rule.OWN_GOODS, allows=None, zh="他方的自营商品，已共享", en="It is somebody else's own, and shared"
        )
    else:
        yield Reason(
            Rule.OWN_GOODS,
            allows=False,
            zh="他方的自营商品，未共享给本门店或渠道",
            en="It is somebody else's own, and not shared with this store and channel",
        )


def _rows(goods: Goods, here: Selling, standing: Standing) -> Iterator[Reason]:
    for row in _fitting(goods, here, ListingKind.WITHHELD):
        zh, en = _where(row.scope)
        yield _said(row, Rule.WITHHELD, False, f"总部规定{zh}不售", f"Headquarters withholds it {en}")
    owned = goods.owner is not None and goods.owner.holds(here.store)
    if goods.limited and not owned:
        listed = next(_fitting(goods, here, ListingKind.LISTED), None)
        if listed is not None:
            zh, en = _where(listed.scope)
            yield _said(listed, Rule.LISTED, True, f"已上架：{zh}", f"It is listed {en}")
        else:
            yield Reason(
                Rule.LISTED,
                allows=False,
                zh="仅在指定的渠道或门店上架，不含此处",
                en="It is listed for certain channels or stores, and this is none of them",
            )
    elif not goods.limited and not owned and goods.owner is None:
        yield Reason(
            Rule.EVERYWHERE, allows=True, zh="未限定上架范围，默认处处可售", en="It is listed everywhere by default"
        )
    yield from _opted_out(goods, here, standing)


def _opted_out(goods: Goods, here: Selling, standing: Standing) -> Iterator[Reason]:
    for row in _fitting(goods, here, ListingKind.OPTED_OUT):
        day = row.at.date().isoformat()
        if standing.settings.opt_out:
            yield _said(row, Rule.OPTED_OUT, False, f"门店于 {day} 退选", f"The store opted out on {day}")
        else:
            zh, en = _holder(standing)
            yield _said(
                row,
                Rule.OPTED_OUT,
                None,
                f"门店于 {day} 退选，但商品策略（{zh}）不允许退选，故不生效",
                f"The store opted out on {day}, which the goods policy ({en}) does not allow: it does not count",
            )


def _fitting(goods: Goods, here: Selling, kind: ListingKind) -> Iterator[Listing]:
    return (row for row in goods.rows if row.kind is kind and here.fits(row.scope))


def _said(row: Listing, rule: Rule, allows: bool | None, zh: str, en: str) -> Reason:  # noqa: FBT001  # one of three, as Reason has it
    why = f": {row.reason}" if row.reason else ""
    return Reason(
        rule, allows, f"{zh}{why.replace(': ', '：', 1)}", f"{en}{why}", at=row.at, by_kind=row.by_kind, by_id=row.by_id
    )


def _where(scope: ListingScope) -> tuple[str, str]:
    """A scope in words."""
    parts = [
        *([("本门店", "in this store")] if scope.store_id else []),
        *([("本经营主体的门店", "in the stores of this operator")] if scope.operator_id else []),
        *([("本区域的门店", "in the stores of this region")] if scope.unit_id else []),
        *([(f"{scope.sales_channel} 渠道", f"by the channel {scope.sales_channel}")] if scope.sales_channel else []),
    ]
    if not parts:
        return "处处", "everywhere"
    return "、".join(zh for zh, _ in parts), ", ".join(en for _, en in parts)


def _holder(standing: Standing) -> tuple[str, str]:
    """Whose choice of the policy holds."""
    if standing.holder is None:
        return "默认", "as nobody chose otherwise"
    zh, en = _HOLDERS[standing.holder.level]
    return f"由{zh}选定", f"chosen by {en}"
