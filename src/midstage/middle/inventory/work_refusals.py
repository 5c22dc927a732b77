"""What stock work refuses."""

from uuid import UUID

from midstage.kit.refusals import Conflict, Forbidden, Invalid, NotFound, Text


class NoSuchTransfer(NotFound):
    """No transfer has this id."""

    text = Text(zh="调拨单不存在", en="There is no such transfer.")
    transfer: UUID


class TransferStateWrong(Conflict):
    """The transfer is past this step, or not yet there."""

    text = Text(
        zh="调拨单当前为“{state}”，不能{action}", en="The transfer is {state}; it cannot be taken to: {action}."
    )
    state: str
    action: str


class TransferChangedMeanwhile(Conflict):
    """Somebody else has worked on the transfer since you looked; look again."""

    text = Text(
        zh="调拨单已被他人处理（版本 {version}），请刷新",
        en="The transfer has changed since you looked (now {version}).",
    )
    version: int
    seen: int


class TransferToItself(Invalid):
    """A transfer has two different ends."""

    text = Text(zh="调出与调入不能是同一地点", en="A transfer goes from one location to another.")


class TransferLineWrong(Conflict):
    """A step takes more of a sku than the step before it left, or a sku that the transfer does not have."""

    text = Text(
        zh="数量超出可{action}的范围：{milli}‰，最多 {most_milli}‰",
        en="{milli} thousandths are too many for: {action}; at the most {most_milli}.",
    )
    sku: UUID
    action: str
    milli: int
    most_milli: int


class TransferBetweenOperators(Forbidden):
    """The policy keeps the stock of operators apart: goods do not move from one to another."""

    text = Text(
        zh="按“调拨”策略，不同经营主体之间不能调拨", en="The policy on transfers keeps the stock of operators apart."
    )
    from_operator: UUID
    to_operator: UUID


class NoSuchReason(NotFound):
    """Stock is changed by hand for one of the reasons that the brand has."""

    text = Text(
        zh="库存调整原因“{reason}”不存在或已停用", en="There is no reason called {reason}, or it is not used any more."
    )
    reason: str


class ReasonUnfit(Invalid):
    """A reason has a code of small letters, digits and underscores, and a name in at least one language."""

    text = Text(zh="调整原因无效", en="A reason needs a code and a name.")


class NoSuchCount(NotFound):
    """No count has this id."""

    text = Text(zh="盘点单不存在", en="There is no such count.")
    count: UUID


class CountStateWrong(Conflict):
    """The count is past this step, or not yet there."""

    text = Text(zh="盘点单当前为“{state}”，不能{action}", en="The count is {state}; it cannot be taken to: {action}.")
    state: str
    action: str


class CountChangedMeanwhile(Conflict):
    """Somebody else has worked on the count since you looked; look again."""

    text = Text(
        zh="盘点单已被他人处理（版本 {version}），请刷新", en="The count has changed since you looked (now {version})."
    )
    version: int
    seen: int


class CountTimeWrong(Invalid):
    """What was counted was counted between the beginning of the count and now."""

    text = Text(zh="盘点时间不在盘点期间", en="Counted at a moment outside of the count.")


class CountOverlaps(Conflict):
    """Some of it is being counted there already: what two counts found would be corrected twice."""

    text = Text(zh="该地点的部分商品正在另一盘点单中", en="Some of this is in another open count of the location.")
    count: UUID


class CountedNothing(Conflict):
    """A count without a single quantity cannot be finished; abandon it."""

    text = Text(zh="尚未录入任何盘点数量", en="Nothing was counted yet.")
    count: UUID


class CountEmpty(Invalid):
    """A count by category names categories, one of skus names skus; a full count names neither."""

    text = Text(zh="盘点范围无效", en="The count does not say what is to be counted.")


class NoSuchStockDelivery(NotFound):
    """No delivery has this id."""

    text = Text(zh="到货单不存在", en="There is no such delivery.")
    delivery: UUID


class DeliveryStateWrong(Conflict):
    """The delivery was received or cancelled before."""

    text = Text(zh="到货单当前为“{state}”", en="The delivery is {state}.")
    state: str


class DeliveryChangedMeanwhile(Conflict):
    """Somebody else has worked on the delivery since you looked; look again."""

    text = Text(
        zh="到货单已被他人处理（版本 {version}），请刷新",
        en="The delivery has changed since you looked (now {version}).",
    )
    version: int
    seen: int


class NotExpected(Conflict):
    """A sku came that the delivery does not have."""

    text = Text(zh="到货单中没有该商品", en="This was not expected with the delivery.")
    sku: UUID


class DeliveredTooMuch(Conflict):
    """More came than the delivery allows; take no more than that."""

    text = Text(
        zh="超出允许的到货数量：{milli}‰，最多 {most_milli}‰",
        en="More came than is allowed: {milli} thousandths, at the most {most_milli}.",
    )
    sku: UUID
    milli: int
    most_milli: int


class SupplyCurrencyWrong(Conflict):
    """An operator's books of value are in one currency for each sku."""

    text = Text(zh="供货价币种应为 {kept}", en="The supply price of this is kept in {kept}.")
    sku: UUID
    kept: str
    given: str


class NoSuchAlarm(NotFound):
    """No open alarm has this id."""

    text = Text(zh="缺货预警不存在或已解除", en="There is no such open alarm.")
    alarm: UUID


class SnoozeWrong(Invalid):
    """An alarm is put off until a moment within the next ninety days."""

    text = Text(zh="暂缓时间应在 90 天内", en="An alarm can be put off for ninety days at the most.")


class ResolutionUnfit(Invalid):
    """What was found does not go with this way to resolve: an adjustment says by how much, the others do not.

    What is missing from a transfer is resolved with the transfer.
    """

    text = Text(zh="处理方式与差异不符", en="This is not how such a discrepancy is resolved.")
