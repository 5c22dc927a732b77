"""How a receipt is laid out: what the law and shoppers look for, in the language of the shopper."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from midstage.fronts.counter.receipt.rows import Align, Code, Line, Pair, Row, Rule
from midstage.kit.money import exponent
from midstage.kit.refusals import Text

_SIGNS = {"CNY": "¥", "USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
_UNITS = {
    "piece": Text("件", "pc"),
    "kilogram": Text("千克", "kg"),
    "gram": Text("克", "g"),
    "jin": Text("斤", "jin"),
    "ounce": Text("盎司", "oz"),
    "pound": Text("磅", "lb"),
    "millilitre": Text("毫升", "ml"),
    "litre": Text("升", "L"),
    "gallon": Text("加仑", "gal"),
}
_METHODS = {
    "cash": Text("现金", "Cash"),
    "card_terminal": Text("银行卡", "Card"),
    "voucher": Text("代金券", "Voucher"),
    "sandbox": Text("沙箱支付（模拟）", "Sandbox (simulated)"),
}


class ReceiptLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line as it was sold, or as it came back."""

    title: str
    options: str
    unit: str
    quantity_milli: int
    unit_minor: int
    discount_minor: int = 0
    total_minor: int


class Paid(msgspec.Struct, frozen=True):
    """A part of the payment; of cash, what was given."""

    method: str
    amount_minor: int
    given_minor: int | None = None


class TaxSum(msgspec.Struct, frozen=True):
    """What of the total is tax of one rate."""

    rate_millionths: int
    tax_minor: int


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """Where something was sold, and by whom."""

    brand: str
    store: str
    address: str
    till: str
    cashier: str
    header: str = ""
    footer: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that stands on a receipt. `at` is in the brand's own time zone."""

    head: Head
    number: str
    at: datetime
    member: str = ""
    currency: str
    lines: Sequence[ReceiptLine]
    discount_minor: int
    total_minor: int
    taxes: Sequence[TaxSum]
    paid: Sequence[Paid]
    change_minor: int
    copy: bool = False
    simulated: bool = False
    back_of: str | None = None
    """The number of the sale that goods came back of; None for a sale."""
    is_return: bool = False


def rows(receipt: Receipt, language: str) -> list[Row]:
    """The rows of a receipt, in zh-CN or en."""
    zh = language.startswith("zh")
    out = [*_top(receipt, zh=zh), Rule()]
    for line in receipt.lines:
        out += _line(line, receipt.currency, zh=zh)
    out += [Rule(), *_sums(receipt, zh=zh), Rule(), Code(receipt.number)]
    if receipt.head.footer:
        out.append(Line(receipt.head.footer, Align.CENTRE))
    return out


def _top(receipt: Receipt, *, zh: bool) -> list[Row]:
    """Who sold, which sale it is, and what sort of paper."""
    head = receipt.head
    out: list[Row] = [Line(head.brand, Align.CENTRE, strong=True)]
    out += [Line(text, Align.CENTRE) for text in (head.store, head.address, head.header) if text]
    if receipt.is_return:
        out.append(Line("退货单" if zh else "RETURN", Align.CENTRE, strong=True))
    if receipt.copy:
        out.append(Line("副本" if zh else "COPY", Align.CENTRE, strong=True))
    if receipt.simulated:
        out.append(Line("模拟交易，不作凭证" if zh else "Simulated: no proof of purchase", Align.CENTRE))
    out += [
        Rule(),
        Pair("单号" if zh else "No.", receipt.number),
        Pair("时间" if zh else "Time", f"{receipt.at:%Y-%m-%d %H:%M:%S}"),
        Pair("收银台 / 收银员" if zh else "Till / cashier", f"{head.till} / {head.cashier}"),
    ]
    if receipt.back_of:
        out.append(Pair("原单号" if zh else "Of receipt", receipt.back_of))
    if receipt.member:
        out.append(Pair("会员" if zh else "Member", receipt.member))
    return out


def _sums(receipt: Receipt, *, zh: bool) -> list[Row]:
    """What it comes to, the tax in it, and how it was paid."""

    def money(minor: int) -> str:
        return amount(minor, receipt.currency)

    out: list[Row] = []
    if receipt.discount_minor:
        out.append(Pair("优惠" if zh else "Discounts", money(-receipt.discount_minor)))
    total = ("退款合计" if zh else "Refunded") if receipt.is_return else ("合计" if zh else "Total")
    out.append(Pair(total, money(receipt.total_minor), strong=True))
    for one in receipt.taxes:
        if one.tax_minor:
            rate = percent(one.rate_millionths)
            out.append(Pair(f"其中税 {rate}" if zh else f"of it tax {rate}", money(one.tax_minor)))
    out += [_paid(one, receipt.currency, zh=zh) for one in receipt.paid]
    if receipt.change_minor:
        out.append(Pair("找零" if zh else "Change", money(receipt.change_minor)))
    return out


def amount(minor: int, currency: str) -> str:
    """An amount as people write it: ¥1,234.50, and -¥3.00 for what is taken off."""
    digits = exponent(currency)
    whole, part = divmod(abs(minor), 10**digits)
    figures = f"{whole:,}" + (f".{part:0{digits}d}" if digits else "")
    return ("-" if minor < 0 else "") + _SIGNS.get(currency, f"{currency} ") + figures


def quantity(milli: int) -> str:
    """A quantity without needless digits: 2, 0.35."""
    whole, part = divmod(milli, 1000)
    return f"{whole:,}" + (f".{part:03d}".rstrip("0") if part else "")


def percent(millionths: int) -> str:
    """A rate as people write it: 13%, 7.25%."""
    return f"{millionths / 10_000:.4f}".rstrip("0").rstrip(".") + "%"


def _line(line: ReceiptLine, currency: str, *, zh: bool) -> list[Row]:
    title = f"{line.title}（{line.options}）" if zh and line.options else line.title
    if not zh and line.options:
        title = f"{line.title} ({line.options})"
    unit = _UNITS.get(line.unit)
    said = (unit.zh if zh else unit.en) if unit else line.unit
    out: list[Row] = [Line(title)]
    out.append(
        Pair(
            f"  {quantity(line.quantity_milli)} {said} × {amount(line.unit_minor, currency)}",
            amount(line.total_minor + line.discount_minor, currency),
        )
    )
    if line.discount_minor:
        out.append(Pair("  优惠" if zh else "  Discount", amount(-line.discount_minor, currency)))
    return out


def _paid(one: Paid, currency: str, *, zh: bool) -> Pair:
    known = _METHODS.get(one.method)
    name = (known.zh if zh else known.en) if known else one.method
    return Pair(name, amount(one.given_minor or one.amount_minor, currency))
