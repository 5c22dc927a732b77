"""Phone codes: one a minute, ten a day, five minutes, five tries, and good for once."""

from datetime import datetime, timedelta
from typing import Protocol

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.refusals import Text, Unavailable
from midstage.middle.access import rules, store
from midstage.middle.access.types import CodeTooSoon, CodeWrong


class MessagePort(Protocol):
    """How a code reaches a phone: a public port, implemented by adapters."""

    async def send_code(self, tenant: Tenant, phone: str, code: str, *, purpose: str) -> None:
        """Send it, or raise MessageNotSent."""
        ...


class MessageNotSent(Unavailable):
    """The message service did not take the code; ask for it again."""

    text = Text(zh="验证码发送失败，请稍后重试", en="The code could not be sent; ask again in a moment.")


async def request_code(
    database: Database, tenant: Tenant, port: MessagePort, phone: str, purpose: str, *, now: datetime | None = None
) -> None:
    """Make a code and send it once it is kept. Raises CodeTooSoon or MessageNotSent.

    Sent after the commit: a code that arrives always works, and one that could not be sent only costs a new try.
    """
    at = now or utc_now()
    code = rules.new_code()
    of_phone = rules.phone_hash(tenant.brand, phone, purpose)
    async with database.writing(tenant, now=at) as tx:
        put = await store.put_code(
            tx,
            of_phone,
            rules.code_hash(of_phone, code),
            expires_at=at + rules.CODE_LASTS,
            tries=rules.CODE_TRIES,
            day=tenant.business_date(at),
            pause=rules.CODE_PAUSE,
            a_day=rules.CODES_A_DAY,
        )
        if not put:
            row = await store.code(tx, of_phone)
            last: datetime = row["sent_at"] if row else at
            used_up = row is not None and row["sent_today"] >= rules.CODES_A_DAY
            raise CodeTooSoon(rules.seconds_until(last + (timedelta(days=1) if used_up else rules.CODE_PAUSE), at))
    await port.send_code(tenant, phone, code, purpose=purpose)


async def check_code(
    database: Database, tenant: Tenant, phone: str, code: str, purpose: str, *, now: datetime | None = None
) -> None:
    """Use a code up. Raises CodeWrong.

    In a transaction of its own, since a wrong guess has to be counted although the call that made it is refused.
    """
    of_phone = rules.phone_hash(tenant.brand, phone, purpose)
    async with database.writing(tenant, now=now) as tx:
        right = await store.use_code(tx, of_phone, rules.code_hash(of_phone, code))
        if not right:
            await store.miss_code(tx, of_phone)
    if not right:
        raise CodeWrong
