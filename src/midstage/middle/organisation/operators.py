"""Operators (操作主体): the legal entities that run stores and settle."""

from collections.abc import Sequence

from midstage.kit.audit import masked
from midstage.kit.database import Tx
from midstage.kit.paging import Page, PageRequest
from midstage.middle.organisation import rules, store
from midstage.middle.organisation.facts import OperatorChanged, OperatorCreated
from midstage.middle.organisation.forms import Filter, NewOperator, OperatorChange
from midstage.middle.organisation.refusals import (
    BadPayee,
    ChangedMeanwhile,
    Fixed,
    KindReserved,
    NoSuchOperator,
    OperatorBusy,
    OperatorCodeTaken,
)
from midstage.middle.organisation.types import Operator, OperatorId, OperatorKind, Payee, State


async def create_operators(tx: Tx, new: Sequence[NewOperator]) -> list[OperatorId]:
    """Take on operators, all or none.

    Raises OperatorCodeTaken, KindReserved, BadContract, BadInvoiceTitle, BadPayee, BadCode or NameMissing.
    """
    for operator in new:
        rules.check_code(operator.code)
        _check(operator)
        if operator.kind == OperatorKind.BRAND:
            raise KindReserved(operator.kind)
    made = await store.insert_operators(tx, new)
    for operator in new:
        if operator.operator_id not in made:
            raise OperatorCodeTaken(operator.code)
        tx.note("create", "operator", operator.operator_id, after=_shown(operator))
        tx.tell(OperatorCreated(operator_id=operator.operator_id, kind=operator.kind))
    return [operator.operator_id for operator in new]


async def create_operator(tx: Tx, new: NewOperator) -> Operator:
    """Take on one operator; see create_operators."""
    (operator_id,) = await create_operators(tx, [new])
    return await operator(tx, operator_id)


async def operator(tx: Tx, operator_id: OperatorId) -> Operator:
    """One operator. Raises NoSuchOperator."""
    found = await store.read_operators(tx, [operator_id])
    if not found:
        raise NoSuchOperator(operator_id)
    return found[0]


async def operators(tx: Tx, ids: Sequence[OperatorId] | None = None) -> dict[OperatorId, Operator]:
    """These operators, or all."""
    return {found.operator_id: found for found in await store.read_operators(tx, ids)}


async def payees(tx: Tx, operator_id: OperatorId) -> list[Payee]:
    """Everybody who ever collected for an operator, the present one last."""
    return await store.read_payees(tx, operator_id)


async def list_operators(tx: Tx, wanted: Filter, page: PageRequest) -> Page[Operator]:
    """Operators by code. Of the scope, its operators count; `kind`, `state` and `text` narrow."""
    place = page.place(tuple[str])
    rows = await store.list_operators(tx, wanted, place[0] if place else None, page.fetch)
    return page.page(rows, rules.by_code)


async def change_operator(
    tx: Tx, operator_id: OperatorId, change: OperatorChange, *, seen: int | None = None
) -> Operator:
    """Change an operator. Raises OperatorBusy (closing one with stores or staff), Fixed, KindReserved, Bad…"""
    before = await store.lock_operator(tx, operator_id)
    if before is None:
        raise NoSuchOperator(operator_id)
    after, fields = rules.changed(before, change, seen=seen)
    if not fields:
        return before
    _check(after)
    if before.kind == OperatorKind.BRAND and (after.kind, after.state) != (before.kind, before.state):
        raise Fixed("own operator")
    if before.kind != after.kind == OperatorKind.BRAND:
        raise KindReserved(after.kind)
    if before.state != after.state == State.CLOSED:
        stores, staff = await store.count_under_operator(tx, operator_id)
        if stores or staff:
            raise OperatorBusy(operator_id, stores, staff)
    if after.payee and after.payee != before.payee and not await store.insert_payee(tx, operator_id, after.payee):
        raise BadPayee
    if not await store.write_operator(tx, after):
        raise ChangedMeanwhile(before.version, before.version + 1)
    tx.note("change", "operator", operator_id, before=_shown(before), after=_shown(after))
    payee_id = after.payee.payee_id if after.payee else None
    tx.tell(
        OperatorChanged(operator_id=operator_id, fields=fields, kind=after.kind, state=after.state, payee_id=payee_id)
    )
    return after


def _check(operator: NewOperator | Operator) -> None:
    rules.check_name(operator.name)
    rules.check_contract(operator.contract)
    rules.check_invoice(operator.invoice)
    rules.check_payee(operator.payee)


def _shown(operator: NewOperator | Operator) -> dict[str, object]:
    """As the audit trail shows it: the account of the payee (a person's, maybe) as a masked reference."""
    shown: dict[str, object] = {
        name: getattr(operator, name) for name in ("code", "name", "kind", "contract", "invoice")
    }
    if operator.payee:
        payee = operator.payee
        shown["payee"] = {
            "payee_id": payee.payee_id,
            "provider": payee.provider,
            "holder": masked(payee.holder),
            "account_number": masked(payee.account_number),
        }
    if isinstance(operator, Operator):
        shown["state"] = operator.state
    return shown
