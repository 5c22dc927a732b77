"""The SQL of operators and their payees."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from midstage.kit.database import Record, Tx
from midstage.middle.organisation.forms import Filter, NewOperator
from midstage.middle.organisation.store.shared import columns_of, json_of, pair
from midstage.middle.organisation.types import (
    Contract,
    InvoiceTitle,
    Operator,
    OperatorId,
    OperatorKind,
    Payee,
    PayeeId,
    State,
)

OPERATOR = """
select o.operator_id, o.code, o.name, o.kind, o.contract_number, o.contract_starts_on, o.contract_ends_on,
       o.invoice_title, o.tax_number, o.invoice_address, o.state, o.version,
       p.payee_id, p.holder, p.provider, p.account_number
  from operator o left join payee p on p.brand_id = o.brand_id and p.payee_id = o.payee_id
 where o.brand_id = $1
"""
OPERATORS = OPERATOR + " and ($2::uuid[] is null or o.operator_id = any($2)) order by o.code"
ONE_OPERATOR = OPERATOR + " and o.operator_id = $2 for no key update of o"

INSERT_OPERATORS = """
with new as materialized (
  select * from jsonb_to_recordset($2::jsonb) as new (operator_id uuid, code text, name text, kind text,
    contract_number text, contract_starts_on date, contract_ends_on date, invoice_title text, tax_number text,
    invoice_address text, payee_id uuid, holder text, provider text, account_number text)
), made as (
  insert into operator (brand_id, operator_id, code, name, kind, contract_number, contract_starts_on,
                        contract_ends_on, invoice_title, tax_number, invoice_address, payee_id)
  select $1, operator_id, code, name, kind, contract_number, contract_starts_on, contract_ends_on, invoice_title,
         tax_number, invoice_address, payee_id
    from new
  on conflict do nothing
  returning brand_id, operator_id
), paid as (
  insert into payee (brand_id, payee_id, operator_id, holder, provider, account_number, since_at)
  select $1, payee_id, operator_id, holder, provider, account_number, $3
    from new join made using (operator_id) where payee_id is not null
)
select operator_id from made where brand_id = $1
"""

INSERT_PAYEE = """
insert into payee (brand_id, payee_id, operator_id, holder, provider, account_number, since_at)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict do nothing
"""

PAYEES = """
select payee_id, holder, provider, account_number from payee
 where brand_id = $1 and operator_id = $2 order by since_at, payee_id
"""

UPDATE_OPERATOR = """
update operator
   set name = $4, kind = $5, contract_number = $6, contract_starts_on = $7, contract_ends_on = $8,
       invoice_title = $9, tax_number = $10, invoice_address = $11, payee_id = $12, state = $13,
       version = version + 1
 where brand_id = $1 and operator_id = $2 and version = $3
"""

UNDER_OPERATOR = """
select (select count(*) from store where brand_id = $1 and operator_id = $2 and state <> 'closed') as stores,
       (select count(*) from staff where brand_id = $1 and operator_id = $2 and state = 'active') as staff
"""

LIST_OPERATORS = (
    OPERATOR
    + """
   and ($2::text is null or position(lower($2) in lower(o.code || ' ' || o.name)) > 0)
   and ($3::text is null or o.kind = $3)
   and ($4::text is null or o.state = $4)
   and ($5 or o.operator_id = any($6::uuid[]))
   and ($7::text is null or o.code > $7)
 order by o.code limit $8
"""
)


def _operator(row: Record) -> Operator:
    contract, invoice, payee = row["contract_number"], row["invoice_title"], row["payee_id"]
    return Operator(
        operator_id=row["operator_id"],
        code=row["code"],
        name=row["name"],
        kind=OperatorKind(row["kind"]),
        contract=Contract(contract, row["contract_starts_on"], row["contract_ends_on"]) if contract else None,
        invoice=InvoiceTitle(invoice, row["tax_number"], row["invoice_address"]) if invoice else None,
        payee=_payee(row) if payee else None,
        state=State(row["state"]),
        version=row["version"],
    )


def _payee(row: Record) -> Payee:
    return Payee(row["holder"], row["provider"], row["account_number"], PayeeId(row["payee_id"]))


async def read_operators(tx: Tx, ids: Sequence[OperatorId] | None = None) -> list[Operator]:
    return [_operator(row) for row in await tx.rows(OPERATORS, tx.brand, ids)]


async def lock_operator(tx: Tx, operator_id: OperatorId) -> Operator | None:
    row = await tx.row(ONE_OPERATOR, tx.brand, operator_id)
    return None if row is None else _operator(row)


async def insert_operators(tx: Tx, operators: Sequence[NewOperator]) -> set[UUID]:
    new = [_flat(operator) for operator in operators]
    return {row[0] for row in await tx.rows(INSERT_OPERATORS, tx.brand, json_of(new), tx.now)}


def _flat(operator: NewOperator) -> dict[str, Any]:
    contract, invoice, payee = operator.contract, operator.invoice, operator.payee
    flat: dict[str, Any] = {
        "operator_id": operator.operator_id,
        "code": operator.code,
        "name": operator.name,
        "kind": operator.kind,
    }
    if contract:
        flat |= {
            "contract_number": contract.number,
            "contract_starts_on": contract.starts_on,
            "contract_ends_on": contract.ends_on,
        }
    if invoice:
        flat |= {
            "invoice_title": invoice.title,
            "tax_number": invoice.tax_number,
            "invoice_address": invoice.address,
        }
    if payee:
        flat |= {name: getattr(payee, name) for name in payee.__struct_fields__}
    return flat


async def insert_payee(tx: Tx, operator_id: OperatorId, payee: Payee) -> int:
    return await tx.run(
        INSERT_PAYEE,
        tx.brand,
        payee.payee_id,
        operator_id,
        payee.holder,
        payee.provider,
        payee.account_number,
        tx.now,
    )


async def read_payees(tx: Tx, operator_id: OperatorId) -> list[Payee]:
    return [_payee(row) for row in await tx.rows(PAYEES, tx.brand, operator_id)]


async def write_operator(tx: Tx, operator: Operator) -> int:
    contract, invoice, payee = operator.contract, operator.invoice, operator.payee
    return await tx.run(
        UPDATE_OPERATOR,
        tx.brand,
        operator.operator_id,
        operator.version - 1,
        operator.name,
        operator.kind,
        contract and contract.number,
        contract and contract.starts_on,
        contract and contract.ends_on,
        invoice and invoice.title,
        invoice and invoice.tax_number,
        invoice and invoice.address,
        payee and payee.payee_id,
        operator.state,
    )


async def count_under_operator(tx: Tx, operator_id: OperatorId) -> tuple[int, int]:
    return pair(await tx.rows(UNDER_OPERATOR, tx.brand, operator_id))


async def list_operators(tx: Tx, wanted: Filter, after: str | None, limit: int) -> list[Operator]:
    everything, _, operators, _ = columns_of(wanted.scope)
    rows = await tx.rows(
        LIST_OPERATORS, tx.brand, wanted.text, wanted.kind, wanted.state, everything, operators, after, limit
    )
    return [_operator(row) for row in rows]
