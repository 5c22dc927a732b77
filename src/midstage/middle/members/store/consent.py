"""What members agree to, and their answers in the past."""

from collections.abc import Sequence
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.identity import api as identity
from midstage.middle.members.types import Channel, Consent, ConsentChange, MemberId, Purpose

# Withdrawing for any channel withdraws what was given for single ones too: "no" means no.
ANSWER = """
with whose as materialized (
  select member.member_id, member.person_id from member where member.brand_id = $1 and member.member_id = $2
), changed as (
  insert into consent (brand_id, member_id, purpose, channel, given, source, changed_at)
  select $1, whose.member_id, $3, $4, $5, $6, $7 from whose
  on conflict (brand_id, member_id, purpose, channel) do update
     set given = excluded.given, source = excluded.source, changed_at = excluded.changed_at
   where consent.given <> excluded.given
  returning channel
), others as (
  update consent set given = false, source = $6, changed_at = $7
   where consent.brand_id = $1 and consent.member_id = $2 and consent.purpose = $3 and consent.channel <> $4
     and consent.given and not $5 and $4 = 'any'
  returning channel
), kept as (
  insert into consent_history (brand_id, member_id, purpose, channel, given, source, document, by_kind, by_id,
                               recorded_at)
  select $1, $2, $3, answer.channel, $5, $6, $8, $9, $10, $7
    from (select changed.channel from changed union all select others.channel from others) answer
)
select whose.person_id,
       array(select changed.channel from changed union all select others.channel from others) as channels
  from whose
"""

CONSENTS = """
select consent.purpose, consent.channel, consent.given, consent.source, consent.changed_at
  from consent
 where consent.brand_id = $1 and consent.member_id = $2
 order by consent.purpose, consent.channel
"""

CONSENTS_OF = """
select consent.member_id, consent.purpose, consent.channel, consent.given, consent.source, consent.changed_at
  from consent
 where consent.brand_id = $1 and consent.member_id = any ($2::uuid[]) and consent.purpose = $3
   and consent.channel in ($4, 'any')
"""

CONSENT_HISTORY = """
select past.purpose, past.channel, past.given, past.source, past.document, past.by_kind, past.by_id, past.recorded_at,
       past.history_id
  from consent_history past
 where past.brand_id = $1 and past.member_id = $2 and ($3::uuid is null or past.history_id < $3)
 order by past.history_id desc
 limit $4
"""


async def answer(
    tx: Tx, member_id: MemberId, purpose: Purpose, channel: Channel, *, given: bool, source: str, document: str
) -> tuple[identity.PersonId, list[str]] | None:
    """Whose consent it is and the channels whose answer changed; None where there is no such member."""
    row = await tx.row(
        ANSWER, tx.brand, member_id, purpose.value, channel.value, given, source, tx.now, document, tx.by.kind, tx.by.id
    )
    return None if row is None else (identity.PersonId(row["person_id"]), list(row["channels"]))


async def consents(tx: Tx, member_id: MemberId) -> list[Consent]:
    return [_consent(row) for row in await tx.rows(CONSENTS, tx.brand, member_id)]


async def consents_of(
    tx: Tx, ids: Sequence[MemberId], purpose: Purpose, channel: Channel
) -> list[tuple[MemberId, Consent]]:
    rows = await tx.rows(CONSENTS_OF, tx.brand, ids, purpose.value, channel.value)
    return [(MemberId(row["member_id"]), _consent(row)) for row in rows]


async def consent_history(
    tx: Tx, member_id: MemberId, before: UUID | None, limit: int
) -> list[tuple[UUID, ConsentChange]]:
    rows = await tx.rows(CONSENT_HISTORY, tx.brand, member_id, before, limit)
    return [
        (
            row["history_id"],
            ConsentChange(
                Purpose(row["purpose"]), Channel(row["channel"]), row["given"], row["source"], row["document"],
                row["by_kind"], row["by_id"], row["recorded_at"],
            ),
        )
        for row in rows
    ]  # fmt: skip


def _consent(row: Record) -> Consent:
    return Consent(Purpose(row["purpose"]), Channel(row["channel"]), row["given"], row["source"], row["changed_at"])
