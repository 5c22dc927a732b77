"""The goods policy: who lists what, and how far a store's own prices may go."""

from enum import StrEnum
from typing import Annotated

import msgspec

from midstage.kit.refusals import Text
from midstage.middle.organisation import api as organisation


class GoodsMode(StrEnum):
    """Whether stores and operators may add goods of their own to those of headquarters."""

    CENTRAL = "central"
    CENTRAL_PLUS_OWN = "central_plus_own"


Percent = Annotated[int, msgspec.Meta(ge=1, le=1000, description="Of the list price")]


class GoodsPolicy(msgspec.Struct, frozen=True):
    """What holds for goods at a store. Unchosen, headquarters lists, prices and decides alone.

    With `own_prices` a store may ask another price, from `price_low_percent` to `price_high_percent` of the list price.
    """

    mode: GoodsMode = GoodsMode.CENTRAL
    opt_out: bool = False
    own_prices: bool = False
    price_low_percent: Percent = 100
    price_high_percent: Percent = 100

    def __post_init__(self) -> None:
        if self.price_low_percent > self.price_high_percent:
            raise ValueError("price_low_percent is above price_high_percent")


GOODS = organisation.declare(
    organisation.Policy(
        "goods",
        GoodsPolicy,
        Text(zh="商品策略：由谁上架、可否退选、自定价范围", en="Goods: who lists, opts out and prices"),
    )
)
