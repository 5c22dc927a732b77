"""Stock work costs a sale nothing: promises, their ends and sales are one statement each, and look at stock alone."""

from architecture.sql_rules import tables_of
from middle.inventory.ground import open_ground
from midstage.kit.database import Database
from midstage.kit.ids import new_id
from midstage.middle.inventory import api as inventory
from midstage.middle.inventory.store import goods, reservation

BEFORE = {"stock", "stock_location", "stock_movement", "stock_reservation", "stock_share", "stock_discrepancy"}


def test_the_hot_statements_know_nothing_of_stock_work() -> None:
    for sql in (reservation.RESERVE, reservation.END_RESERVATION, goods.MOVE):
        assert tables_of(sql) <= BEFORE
        assert "tracked" not in sql


async def test_a_promise_its_end_and_a_sale_are_one_statement_each(db: Database) -> None:
    ground = await open_ground(db)
    order, want = new_id(), [inventory.Want(ground.a, sku, 1_000) for sku in ground.skus]
    async with db.writing(ground.tenant) as tx:
        tx.recorder = []
        await inventory.reserve(tx, order, want)
        await inventory.end_reservation(tx, order, inventory.Outcome.HANDED_OVER)
        await inventory.sell_through(tx, ground.a, dict.fromkeys(ground.skus, 1_000), reference=new_id())
        assert [sql for sql, _ in tx.recorder] == [reservation.RESERVE, reservation.END_RESERVATION, goods.MOVE]


async def test_a_transfer_of_many_lines_takes_few_statements(db: Database) -> None:
    ground = await open_ground(db)
    skus = [inventory.SkuId(new_id()) for _ in range(1_500)]
    await ground.do(lambda tx: inventory.open_stock(tx, [inventory.Opening(ground.a, sku, 2_000) for sku in skus]))
    made = await ground.do(lambda tx: inventory.ask_transfer(tx, ground.a, ground.b, dict.fromkeys(skus, 1_000)))
    await ground.do(lambda tx: inventory.approve_transfer(tx, made.transfer_id, version=1))
    async with db.writing(ground.tenant) as tx:
        tx.recorder = []
        await inventory.send_transfer(tx, made.transfer_id, version=2)
        await tx.flush()
        assert len(tx.recorder) <= 20
    async with db.writing(ground.tenant) as tx:
        tx.recorder = []
        await inventory.receive_transfer(tx, made.transfer_id, version=3)
        await tx.flush()
        assert len(tx.recorder) <= 20
    found = await ground.read(lambda tx: inventory.stock(tx, ground.b, skus))
    assert {row.on_hand_milli for row in found.values()} == {1_000}
    await ground.sound()
