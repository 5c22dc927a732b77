"""What payments refuse, and how they say so."""

from datetime import datetime
from uuid import UUID

from midstage.kit.refusals import Conflict, Forbidden, Invalid, NotFound, Text, Unauthenticated, Unavailable


class NothingToPay(Invalid):
    """A payment needs an amount above zero."""

    text = Text(zh="支付金额必须大于零", en="There is nothing to pay: the amount is {amount_minor}.")
    amount_minor: int


class AmountNotDue(Invalid):
    """What was taken by hand is not what was due."""

    text = Text(
        zh="收款金额 {taken_minor} 与应付 {due_minor} 不符",
        en="{taken_minor} was taken and {due_minor} was due (minor units of {currency}).",
    )
    taken_minor: int
    due_minor: int
    currency: str


class DueAlready(Invalid):
    """The payment was given a deadline that has passed."""

    text = Text(zh="支付截止时间已过", en="The payment would be due at {due_at}, which has passed.")
    due_at: datetime


class NoSuchPayment(NotFound):
    """There is no such payment."""

    text = Text(zh="没有这笔支付", en="There is no such payment.")
    payment_id: UUID


class NoSuchRefund(NotFound):
    """There is no such refund."""

    text = Text(zh="没有这笔退款", en="There is no such refund.")
    refund_id: UUID


class NoSuchMerchant(NotFound):
    """Nobody collects for this payee through this provider."""

    text = Text(zh="没有可用的收款商户", en="No merchant of {provider} collects here.")
    provider: str


class RealMoney(Forbidden):
    """A sandbox brand collects through the simulated provider alone."""

    text = Text(
        zh="沙箱品牌只能使用模拟支付渠道，不能使用 {provider}",
        en="A sandbox brand collects play money; {provider} is not for it.",
    )
    provider: str


class NotCollecting(Conflict):
    """No operator names this payee as the one who collects for it at present."""

    text = Text(
        zh="没有经营主体当前使用该收款主体 {payee}",
        en="No operator names {payee} as the one who collects for it at present.",
    )
    payee: UUID


class NoSuchPaymentDiscrepancy(NotFound):
    """There is no such discrepancy, or it is settled already."""

    text = Text(zh="没有这条待处理的差异", en="There is no such open discrepancy.")
    discrepancy_id: UUID


class PaymentNotOpen(Conflict):
    """The payment is paid, closed or under examination, and cannot be started or closed."""

    text = Text(zh="这笔支付已不能继续：{state}", en="The payment is not open any more: {state}.")
    payment_id: UUID
    state: str


class PaymentOverdue(Conflict):
    """The time to pay is over."""

    text = Text(zh="支付已超时，请重新下单", en="The time to pay ended at {due_at}.")
    payment_id: UUID
    due_at: datetime


class RefundExceedsPaid(Conflict):
    """More is asked back than is left of what was paid."""

    text = Text(
        zh="退款金额超过可退余额：申请 {asked_minor}，可退 {left_minor}",
        en="{asked_minor} was asked back and {left_minor} is left of what was paid (minor units of {currency}).",
    )
    asked_minor: int
    left_minor: int
    currency: str


class RefundKeyReused(Conflict):
    """The key was used before for a refund of another payment or amount."""

    text = Text(zh="退款幂等键已用于另一笔退款", en="The key {key} belongs to another refund.")
    key: str


class RefundNotWaiting(Conflict):
    """The refund has ended, or is not one that a person gives back."""

    text = Text(zh="这笔退款不能这样处理：{state}", en="The refund cannot be dealt with so: {state}.")
    refund_id: UUID
    state: str


class TransactionTaken(Conflict):
    """A provider told one of its transactions for two of our payments."""

    text = Text(
        zh="交易号 {transaction_no} 已记在另一笔支付上", en="Transaction {transaction_no} belongs to another payment."
    )
    transaction_no: str


class NoticeOfAnother(Forbidden):
    """A merchant told of a payment that is not collected by it."""

    text = Text(zh="通知的商户与收款主体不符", en="This merchant does not collect this payment.")
    payment_id: UUID


class WrongNotice(Invalid):
    """The verified notice is of another kind than this verb books."""

    text = Text(zh="通知类型不符：{kind}", en="A notice of {kind} cannot be booked here.")
    kind: str


class SignatureWrong(Unauthenticated):
    """The notice is not signed by the provider, or was signed too long ago; nothing was believed."""

    text = Text(zh="支付通知验签失败：{reason}", en="The notice could not be verified: {reason}.")
    reason: str


class NoticeUnreadable(Invalid):
    """The notice is signed and cannot be read."""

    text = Text(zh="支付通知无法解析", en="The notice could not be read: {reason}.")
    reason: str


class ProviderUnavailable(Unavailable):
    """The payment provider did not answer, or answered that it cannot now; asking again is safe."""

    text = Text(zh="支付渠道暂不可用，请稍后再试", en="The payment provider {provider} is not available: {reason}.")
    provider: str
    reason: str


class ProviderRefused(Conflict):
    """The payment provider answered, and refused."""

    text = Text(zh="支付渠道拒绝了请求：{reason}", en="The payment provider {provider} refused: {reason}.")
    provider: str
    reason: str


class UnknownProvider(Invalid):
    """No provider of this name is installed."""

    text = Text(zh="没有安装支付渠道 {provider}", en="No payment provider is called {provider}.")
    provider: str


class BadMerchant(Invalid):
    """A setting of the merchant is missing, unknown, or not a reference where a secret is meant."""

    text = Text(zh="商户配置有误：{setting}（{reason}）", en="The merchant's setting {setting} is wrong: {reason}.")
    setting: str
    reason: str


class SecretMissing(Unavailable):
    """A secret that a merchant refers to is not there."""

    text = Text(zh="商户密钥未配置：{reference}", en="The secret {reference} is not set on this machine.")
    reference: str


class MethodUnknown(Invalid):
    """Money was taken by a method that is not one word of small letters."""

    text = Text(zh="支付方式无效：{method}", en="{method} is not the name of a way to pay.")
    method: str
