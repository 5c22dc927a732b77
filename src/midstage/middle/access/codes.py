"""Phone codes: one a minute and ten a day to a phone, five minutes, five tries, and good for once.

A phone comes as its canonical text (E.164): the same phone written in two ways would be two phones.
"""

from datetime import datetime
from typing import Protocol

from midstage.kit.clock import Tenant, utc_now
from midstage.kit.database import Database
from midstage.kit.refusals import Text, Unavailable
from midstage.middle.access import chance, rules, store
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
    code = chance.new_code()
    of_phone = rules.phone_hash(tenant.brand, phone)
    key = rules.code_key(of_phone, purpose)
    async with database.writing(tenant, now=at) as tx:
        put = await store.put_code(
            tx,
            of_phone,
            key,
            rules.code_hash(key, code),
            lasts=rules.CODE_LASTS,
            tries=rules.CODE_TRIES,
            pause=rules.CODE_PAUSE,
            window=rules.DAY,
            most=rules.CODES_A_DAY,
        )
        quota = None if put else await store.read_quota(tx, of_phone)
    if quota is not None:
        raise CodeTooSoon(_wait(quota["since_at"], quota["last_at"], quota["codes"], at))
    await port.send_code(tenant, phone, code, purpose=purpose)


async def check_code(
    database: Database, tenant: Tenant, phone: str, code: str, purpose: str, *, now: datetime | None = None
) -> None:
    """Use a code up. Raises CodeWrong.

    In a transaction of its own, since a wrong guess has to be counted although the call that made it is refused.
    """
    key = rules.code_key(rules.phone_hash(tenant.brand, phone), purpose)
    async with database.writing(tenant, now=now) as tx:
        right = await store.try_code(tx, key, rules.code_hash(key, code))
    if not right:
        raise CodeWrong


def _wait(since: datetime, last: datetime, codes: int, at: datetime) -> int:
    """Seconds until the next code: a minute after the last, a day after the first of the day's ten."""
    ends = [last + rules.CODE_PAUSE]
    if codes >= rules.CODES_A_DAY:
        ends.append(since + rules.DAY)
    return rules.seconds_until(max(ends), at)
