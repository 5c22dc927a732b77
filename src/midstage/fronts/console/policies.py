"""Policies: where retailers differ, what the brand, a region, an operator or a store has chosen."""

from typing import Any
from uuid import UUID

import msgspec
from litestar.handlers import HTTPRouteHandler

from midstage.fronts._http.calls import changing, reading
from midstage.fronts._http.scope import NeedsWholeBrand, reach, whole_brand
from midstage.fronts._http.staff import Staff
from midstage.fronts._http.words import Version
from midstage.kit.database import Tx
from midstage.kit.refusals import Text
from midstage.middle.access import api as access
from midstage.middle.organisation import api as organisation

TAGS = ["console: policies"]
READ, WRITE = "organisation.read", "organisation.write"
FAULTS = (
    NeedsWholeBrand,
    organisation.NoSuchPolicy,
    organisation.PolicyInvalid,
    organisation.PolicyNotHere,
    organisation.ChangedMeanwhile,
    organisation.NoSuchUnit,
    organisation.NoSuchOperator,
    organisation.NoSuchStore,
)


class PolicyView(msgspec.Struct, frozen=True):
    """A policy: who may choose, what holds where nobody did, and the JSON schema of its settings."""

    code: str
    name: Text
    levels: list[organisation.Level]
    defaults: dict[str, Any]
    settings_schema: dict[str, Any]


class StandingView(msgspec.Struct, frozen=True):
    """What holds, and who chose it; null where nobody did."""

    settings: dict[str, Any]
    holder: organisation.Holder | None


class ChoiceBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings; what is left out is the default. `version` is of the choice that was looked at, null for a first."""

    settings: dict[str, Any]
    version: Version | None = None


@reading("/policies", tags=TAGS, needs=READ)
async def policies(_tx: Tx, _staff: Staff) -> list[PolicyView]:
    """Every policy there is, by code."""
    return [
        PolicyView(
            code=each.code,
            name=each.name,
            levels=[level for level in organisation.Level if level in each.levels],
            defaults=_plain(each.settings()),
            settings_schema=msgspec.json.schema(each.settings),
        )
        for each in organisation.policies()
    ]


@reading("/policies/{policy:str}/choices", tags=TAGS, needs=READ, refuses=(NeedsWholeBrand, organisation.NoSuchPolicy))
async def policy_choices(policy: str, tx: Tx, staff: Staff) -> list[organisation.Choice]:
    """What was chosen for a policy and by whom, the widest first."""
    whole_brand(staff, READ)
    return await organisation.choices(tx, policy)


@reading(
    "/stores/{store_id:uuid}/policies/{policy:str}",
    tags=TAGS,
    needs=READ,
    refuses=(access.OutOfScope, organisation.NoSuchStore, organisation.NoSuchPolicy),
)
async def policy_at_store(store_id: UUID, policy: str, tx: Tx, staff: Staff) -> StandingView:
    """What holds at a store, and who chose it."""
    declared = next((each for each in organisation.policies() if each.code == policy), None)
    if declared is None:
        raise organisation.NoSuchPolicy(policy)
    store = await organisation.one_store(tx, organisation.StoreId(store_id))
    (await reach(tx, staff, READ)).need_store(store)
    standing = await organisation.standing_of(tx, declared, store)
    return StandingView(_plain(standing.settings), standing.holder)


@changing(
    "PUT",
    "/policies/{policy:str}/choices/{level:str}/{holder_id:uuid}",
    tags=TAGS,
    needs=WRITE,
    refuses=FAULTS,
)
async def choose_policy(
    policy: str, level: str, holder_id: UUID, data: ChoiceBody, tx: Tx, staff: Staff
) -> organisation.Choice:
    """Choose the settings of a policy for the brand (its root unit), a unit, an operator or a store."""
    whole_brand(staff, WRITE)
    holder = organisation.Holder(_level(policy, level), holder_id)
    return await organisation.choose(tx, policy, holder, data.settings, version=data.version)


@changing(
    "DELETE",
    "/policies/{policy:str}/choices/{level:str}/{holder_id:uuid}",
    status=204,
    tags=TAGS,
    needs=WRITE,
    refuses=(NeedsWholeBrand, organisation.NoSuchPolicy, organisation.PolicyNotHere),
)
async def unchoose_policy(policy: str, level: str, holder_id: UUID, tx: Tx, staff: Staff) -> None:
    """Let the next wider choice hold again."""
    whole_brand(staff, WRITE)
    await organisation.unchoose(tx, policy, organisation.Holder(_level(policy, level), holder_id))


def _level(policy: str, level: str) -> organisation.Level:
    if level not in set(organisation.Level):
        raise organisation.PolicyNotHere(policy, level)
    return organisation.Level(level)


def _plain(settings: msgspec.Struct) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(settings))
    return plain


HANDLERS: list[HTTPRouteHandler] = [policies, policy_choices, policy_at_store, choose_policy, unchoose_policy]
