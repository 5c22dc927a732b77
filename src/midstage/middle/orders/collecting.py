"""Who collects what is due: the brand, or the operators whose sale or whose goods it is, each on its own account.

Decided when an order is placed, and frozen on it with the reason. What somebody's account collected is theirs until
settlement says otherwise, so it is never moved silently to another account afterwards.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from midstage.kit.database import Tx
from midstage.kit.ids import BrandId
from midstage.kit.kept import Kept
from midstage.kit.money import Money
from midstage.kit.refusals import Conflict, Text
from midstage.middle.inventory import api as inventory
from midstage.middle.orders.collecting_types import Collecting, CollectingShare, Why
from midstage.middle.orders.types import Line
from midstage.middle.organisation import api as organisation
from midstage.middle.payments import api as payments


class Collects(StrEnum):
    """Whose account collects."""

    BRAND = "brand"
    OPERATOR = "operator"


class Whose(StrEnum):
    """Where operators collect: that of the store that sells, or of each place that ships."""

    SELLER = "seller"
    SHIPPER = "shipper"


class WithoutAccount(StrEnum):
    """What to do where an operator has no account that is open: refuse the order, or let the brand collect."""

    REFUSE = "refuse"
    BRAND = "brand"


class CollectingPolicy(msgspec.Struct, frozen=True):
    """Who collects for the orders that a store sells."""

    collects: Collects = Collects.BRAND
    whose: Whose = Whose.SELLER
    without_account: WithoutAccount = WithoutAccount.REFUSE


COLLECTING = organisation.declare(
    organisation.Policy("collecting", CollectingPolicy, Text(zh="由谁收款", en="Who collects"))
)


class PayeeWithoutAccount(Conflict):
    """The operator that should collect has no payment account that is open, and the policy lets nobody else collect."""

    text = Text(
        zh="收款主体 {operator_id} 没有可用的收款账户，暂时无法下单",
        en="The operator {operator_id} that should collect has no open payment account; it cannot be ordered for now.",
    )
    operator_id: UUID


class Account(msgspec.Struct, frozen=True):
    """Whose account an operator's share goes to (None: the brand's), and why."""

    payee: UUID | None
    why: Why


# An operator and its accounts change seldom and are read by every order that it collects for.
_accounts: Kept[tuple[BrandId, organisation.OperatorId], Account] = Kept(ttl_s=5.0, most=50_000)


async def decide(
    tx: Tx,
    sold_at: organisation.Store,
    lines: Sequence[Line],
    locations: Sequence[inventory.LocationId],
    *,
    shipping_minor: int,
) -> Collecting | None:
    """Who collects for these lines; None where the brand does, as its policy says. Raises PayeeWithoutAccount."""
    standing = await organisation.standing_of(tx, COLLECTING, sold_at)
    policy = standing.settings
    if policy.collects is Collects.BRAND:
        return None
    of_part = await _operators(tx, sold_at, locations, policy.whose)
    charged = dict.fromkeys(of_part.values(), 0)
    for line in lines:
        charged[of_part[line.part_no]] += line.charged_minor
    shipped_by = sold_at.operator_id if sold_at.operator_id in charged else next(iter(charged))
    charged[shipped_by] += shipping_minor
    shares: list[CollectingShare] = []
    for operator_id, minor in charged.items():
        account = await account_of(tx, operator_id)
        if account.payee is None and account.why is not Why.OWN and policy.without_account is WithoutAccount.REFUSE:
            raise PayeeWithoutAccount(operator_id)
        parts = [part_no for part_no, whose in of_part.items() if whose == operator_id]
        shares.append(CollectingShare(operator_id, account.payee, minor, parts, account.why))
    return Collecting(policy.whose.value, standing.holder, shares)


def dues(collecting: Collecting | None, total: Money) -> list[payments.Due]:
    """A due a payee, in the order of the shares; those that fall to the brand are one. Pure."""
    if collecting is None:
        return [payments.Due(total)] if total.minor else []
    minor: dict[UUID | None, int] = {}
    for share in collecting.shares:
        minor[share.payee] = minor.get(share.payee, 0) + share.minor
    return [payments.Due(Money(part, total.currency), payee) for payee, part in minor.items() if part]


def by_payee(collecting: Collecting | None, lines: Sequence[Line], shares: Mapping[int, int]) -> dict[UUID | None, int]:
    """What goes back of which payee's lines, from what goes back of each line (minor units by line_no). Pure."""
    if collecting is None:
        return {}
    payee_of = {part_no: share.payee for share in collecting.shares for part_no in share.parts}
    found: dict[UUID | None, int] = {}
    for line in lines:
        if shares.get(line.line_no):
            payee = payee_of.get(line.part_no)
            found[payee] = found.get(payee, 0) + shares[line.line_no]
    return found


async def account_of(tx: Tx, operator_id: organisation.OperatorId) -> Account:
    """Where an operator's share goes at the moment, as it was at most 5 s ago. Raises organisation.NoSuchOperator."""
    place = (tx.brand, operator_id)
    found = _accounts.get(place)
    if found is None:
        found = await _account(tx, operator_id)
        _accounts.put(place, found)
    return found


async def _account(tx: Tx, operator_id: organisation.OperatorId) -> Account:
    operator = await organisation.operator(tx, operator_id)
    if operator.kind == organisation.OperatorKind.BRAND:
        return Account(None, Why.OWN)
    if operator.payee is None:
        return Account(None, Why.NO_PAYEE)
    if not await payments.merchants_for(tx, operator.payee.payee_id):
        return Account(None, Why.NO_ACCOUNT)
    return Account(operator.payee.payee_id, Why.OPERATOR)


async def _operators(
    tx: Tx, sold_at: organisation.Store, locations: Sequence[inventory.LocationId], whose: Whose
) -> dict[int, organisation.OperatorId]:
    """The operator of each part, by its number."""
    if whose is Whose.SELLER:
        return {part_no: sold_at.operator_id for part_no, _ in enumerate(locations, start=1)}
    others = [organisation.StoreId(place) for place in locations if place != inventory.location_of(sold_at.store_id)]
    stores = await organisation.stores(tx, others) if others else {}
    operators = {inventory.location_of(one.store_id): one.operator_id for one in (*stores.values(), sold_at)}
    return {part_no: operators[place] for part_no, place in enumerate(locations, start=1)}
