"""The cashier's page: small, honest, in Chinese and English, and loading nothing."""

from collections.abc import Sequence
from html import escape

from midstage.adapters.sandbox_pay.protocol import PaymentState
from midstage.adapters.sandbox_pay.store import Row

_WORDS = {
    "zh": {
        "title": "模拟收银台",
        "honest": "这是模拟支付，不会产生任何真实扣款。",
        "pay": "确认支付",
        "decline": "模拟银行拒付",
        "waiting": "待支付",
        "authorised": "已授权，等待商户请款",
        "paid": "支付成功",
        "closed": "商户已关闭这笔支付",
        "expired": "支付已超时",
        "declined": "银行已拒付，可以重试。",
        "back": "返回商户",
    },
    "en": {
        "title": "Simulated cashier",
        "honest": "This is a simulation. No money moves.",
        "pay": "Pay",
        "decline": "Let the bank decline",
        "waiting": "Waiting for payment",
        "authorised": "Authorised; the merchant will collect it",
        "paid": "Paid",
        "closed": "The merchant has closed this payment",
        "expired": "The time to pay is over",
        "declined": "The bank declined. You can try again.",
        "back": "Back to the merchant",
    },
}

_STYLE = """
body{margin:0;font:16px/1.6 system-ui,"PingFang SC","Noto Sans CJK SC",sans-serif;background:#f4f5f7;color:#1d2129}
main{max-width:24rem;margin:3rem auto;background:#fff;border-radius:12px;padding:2rem}
.honest{background:#fff7e8;border:1px solid #d25f00;border-radius:8px;padding:.5rem .75rem}
.amount{font-size:2.25rem;font-weight:600;margin:.5rem 0}.no{color:#4e5969;font-size:.875rem;word-break:break-all}
button{width:100%;min-height:48px;border:0;border-radius:8px;font-size:1rem;margin-top:.75rem;cursor:pointer}
.pay{background:#00664f;color:#fff}.decline{background:#e5e6eb;color:#1d2129}
"""


def language_of(asked: str, accepted: str, chosen: str) -> str:
    """Zh or en: what the address says, else what the merchant chose, else what the browser prefers."""
    for wish in (asked, chosen, accepted):
        if wish:
            return "zh" if wish.lower().startswith("zh") else "en"
    return "zh"


def money(amount_minor: int, currency: str) -> str:
    """The amount as people read it."""
    if currency in {"JPY", "KRW", "VND"}:
        return f"{amount_minor} {currency}"
    return f"{amount_minor // 100}.{amount_minor % 100:02d} {currency}"


def cashier(token: str, payments: Sequence[Row], *, language: str, now_ms: int, declined: bool) -> str:
    """The page of a payment, or of several to be paid together."""
    words = _WORDS[language]
    waiting = [one for one in payments if one["state"] == PaymentState.WAITING and now_ms < one["expires_at_ms"]]
    open_, first = bool(waiting), (waiting or payments)[0]
    state = first["state"] if open_ or first["state"] != PaymentState.WAITING else "expired"
    total = sum(one["amount_minor"] for one in waiting or payments)
    parts = [
        f'<p class="honest" role="note">{words["honest"]}</p>',
        f"<p>{escape(first['title'])}</p>",
        f'<p class="amount">{money(total, first["currency"])}</p>',
        *_listed(payments, words),
        f'<p role="status">{words[state]}</p>',
    ]
    if declined and open_:
        parts.append(f'<p role="alert">{words["declined"]}</p>')
    if open_:
        here = f"/cashier/{token}"
        parts += [
            f'<form method="post" action="{here}/{verb}?lang={language}"><button class="{verb}">{words[verb]}</button></form>'
            for verb in ("pay", "decline")
        ]
    elif first["return_url"]:
        parts.append(f'<p><a href="{escape(first["return_url"], quote=True)}">{words["back"]}</a></p>')
    lang = "zh-CN" if language == "zh" else "en"
    return (
        f'<!doctype html><html lang="{lang}"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{words['title']}</title><style>{_STYLE}</style>"
        f"<main><h1>{words['title']}</h1>{''.join(parts)}</main></html>"
    )


def _listed(payments: Sequence[Row], words: dict[str, str]) -> list[str]:
    """The number of a payment; of several, each with its merchant, amount and state."""
    if len(payments) == 1:
        return [f'<p class="no">{escape(payments[0]["payment_no"])}</p>']
    return [
        f'<p class="no">{escape(one["merchant_no"])} · {money(one["amount_minor"], one["currency"])}'
        f" · {words[one['state']]}<br>{escape(one['payment_no'])}</p>"
        for one in payments
    ]
