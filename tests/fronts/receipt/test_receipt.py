"""Receipts: what stands on them, on paper of any width, for any printer, in both languages."""

import io
from datetime import datetime
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from midstage.fronts.counter.receipt import layout, printing, rows

HEAD = layout.Head(
    brand="云织", store="上海静安店", address="南京西路 1 号", till="T1", cashier="E07", footer="谢谢惠顾"
)
COAT = layout.ReceiptLine(
    title="羊毛大衣", options="红色 / M", unit="piece", quantity_milli=1000, unit_minor=128_000, discount_minor=8_000,
    total_minor=120_000,
)  # fmt: skip
APPLES = layout.ReceiptLine(
    title="Apples 🍎 from the valley, sold loose", options="", unit="kilogram", quantity_milli=1_250, unit_minor=800,
    total_minor=1_000,
)  # fmt: skip
RECEIPT = layout.Receipt(
    head=HEAD,
    number="26112212345678",
    at=datetime(2026, 11, 22, 10, 30, 5, tzinfo=ZoneInfo("Asia/Shanghai")),
    member="M0****1234",
    currency="CNY",
    lines=[COAT, APPLES],
    discount_minor=8_000,
    total_minor=121_000,
    taxes=[layout.TaxSum(130_000, 13_920)],
    paid=[layout.Paid("card_terminal", 100_000), layout.Paid("cash", 21_000, 25_000)],
    change_minor=4_000,
)

RECEIPT_42 = """\
                   云织
                上海静安店
              南京西路 1 号
------------------------------------------
单号                        26112212345678
时间                   2026-11-22 10:30:05
收银台 / 收银员                   T1 / E07
会员                            M0****1234
------------------------------------------
羊毛大衣（红色 / M）
  1 件 × ¥1,280.00              ¥1,280.00
  优惠                             -¥80.00
Apples 🍎 from the valley, sold loose
  1.25 千克 × ¥8.00                ¥10.00
------------------------------------------
优惠                               -¥80.00
合计                             ¥1,210.00
其中税 13%                         ¥139.20
银行卡                           ¥1,000.00
现金                               ¥250.00
找零                                ¥40.00
------------------------------------------
              26112212345678
                 谢谢惠顾
"""


def test_a_receipt_reads_as_people_expect() -> None:
    assert printing.as_text(layout.rows(RECEIPT, "zh-CN"), 42) == RECEIPT_42


def test_it_speaks_english_too() -> None:
    text = printing.as_text(layout.rows(RECEIPT, "en"), 42)
    for words in ("Total", "Card", "Cash", "Change", "of it tax 13%", "1.25 kg", "Discounts", "Till / cashier"):
        assert words in text
    assert "合计" not in text


def test_a_copy_a_return_and_a_simulated_sale_say_so() -> None:
    copy = msgspec.structs.replace(RECEIPT, copy=True, is_return=True, simulated=True, back_of="26112200000001")
    for language, words in (
        ("zh", ("副本", "退货单", "退款合计", "原单号", "模拟交易")),
        ("en", ("COPY", "RETURN", "Refunded", "Of receipt", "Simulated")),
    ):
        text = printing.as_text(layout.rows(copy, language), 42)
        assert [word for word in words if word not in text] == []


@given(
    title=st.text(max_size=80),
    columns=st.sampled_from([32, 42, 48]),
    total=st.integers(-(10**9), 10**9),
    quantity=st.integers(1, 10**7),
)
def test_no_line_is_wider_than_the_paper_and_no_figure_is_cut(
    title: str, columns: int, total: int, quantity: int
) -> None:
    line = msgspec.structs.replace(COAT, title=title, total_minor=total, discount_minor=0, quantity_milli=quantity)
    receipt = msgspec.structs.replace(RECEIPT, lines=[line])
    text = printing.as_text(layout.rows(receipt, "zh"), columns)
    assert max(rows.width_of(printed) for printed in text.splitlines()) <= columns
    assert layout.amount(total, "CNY") in text
    printing.as_escpos(layout.rows(receipt, "zh"), columns).decode("gb18030", errors="strict")


def test_the_printer_gets_two_bytes_a_character_the_code_and_the_cut() -> None:
    sent = printing.as_escpos(layout.rows(RECEIPT, "zh"), 42, open_drawer=True)
    assert sent.startswith(b"\x1b@\x1c&\x1bp\x00")
    assert sent.endswith(b"\x1dVB\x03")
    assert "合计".encode("gb18030") in sent
    assert "￥1,210.00".encode("gb18030") in sent
    data = b"26112212345678"
    assert b"\x1d(k" + (len(data) + 3).to_bytes(2, "little") + b"1P0" + data in sent
    assert "□".encode("gb18030") in sent  # the apple, which no printer has
    without = printing.as_escpos(layout.rows(RECEIPT, "zh"), 42)
    assert b"\x1bp" not in without
    assert not any(len(char.encode("gb18030")) > 2 for char in without.decode("gb18030"))


def test_the_pdf_is_one_page_as_long_as_the_receipt_and_can_be_searched() -> None:
    made = printing.as_pdf(layout.rows(RECEIPT, "zh"), title=RECEIPT.number)
    reader = PdfReader(io.BytesIO(made))
    assert len(reader.pages) == 1
    page = reader.pages[0]
    assert round(float(page.mediabox.width) / 72 * 25.4) == 80
    text = page.extract_text()
    for words in ("云织", "羊毛大衣", "26112212345678"):
        assert words in text
    longer = printing.as_pdf(layout.rows(msgspec.structs.replace(RECEIPT, lines=[COAT] * 60), "zh"), title="x")
    assert PdfReader(io.BytesIO(longer)).pages[0].mediabox.height > page.mediabox.height + 60 * 20
    assert printing.as_pdf(layout.rows(RECEIPT, "zh"), title=RECEIPT.number) == made


@pytest.mark.parametrize(
    ("minor", "currency", "said"),
    [(0, "CNY", "¥0.00"), (5, "USD", "$0.05"), (-123_456, "CNY", "-¥1,234.56"), (1234, "JPY", "¥1,234"), (1, "CHF", "CHF 0.01")],
)  # fmt: skip
def test_amounts_are_written_as_people_write_them(minor: int, currency: str, said: str) -> None:
    assert layout.amount(minor, currency) == said
