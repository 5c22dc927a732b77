"""The file under the book, the faults that were asked for, and the callbacks that are on their way."""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from midstage.adapters.sandbox_pay.protocol import Event, Fault, FaultKind

SCHEMA = """
create table if not exists payment (
  merchant_no text not null, payment_no text not null, token text not null unique, amount_minor integer not null,
  currency text not null, title text not null, expires_at_ms integer not null, callback_url text not null,
  return_url text not null, language text not null, capture_later integer not null, state text not null,
  transaction_no text not null default '', paid_minor integer not null default 0,
  refunded_minor integer not null default 0 check (refunded_minor <= paid_minor),
  at_ms integer not null default 0, declines integer not null default 0, primary key (merchant_no, payment_no));
create table if not exists combined_part (
  token text not null, combined_no text not null, place integer not null, merchant_no text not null,
  payment_no text not null, primary key (combined_no, place));
create index if not exists combined_of on combined_part (token);
create table if not exists refund (
  merchant_no text not null, refund_no text not null, payment_no text not null, amount_minor integer not null,
  reason text not null, callback_url text not null, state text not null, transaction_no text not null,
  due_at_ms integer not null, at_ms integer not null, failure text not null default '',
  primary key (merchant_no, refund_no));
create table if not exists delivery (
  id integer primary key, merchant_no text not null, payment_no text not null, url text not null, body blob not null,
  state text not null, held integer not null, attempts integer not null default 0, next_at_ms integer not null,
  answer text not null default '');
create index if not exists delivery_due on delivery (next_at_ms) where state = 'waiting';
create index if not exists delivery_of on delivery (merchant_no, payment_no, id);
create table if not exists fault (
  id integer primary key, payment_no text not null, kind text not null, times integer not null, seconds real not null,
  delta_minor integer not null, merchant_no text not null default '');
"""

DUE = """
select id, merchant_no, url, body, attempts from delivery
 where state = 'waiting' and (next_at_ms <= :now or (held and exists (
   select 1 from delivery later where later.merchant_no = delivery.merchant_no
      and later.payment_no = delivery.payment_no and later.id > delivery.id and later.state = 'delivered')))
 order by id limit :limit
"""
RETRIES = 12  # with the pauses of deliver.py this is about a day, as long as real providers try

Row = dict[str, Any]


class File:
    """One SQLite file; a method is one transaction, or (those that say so) a part of one."""

    def __init__(self, path: Path | str) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        self._db.row_factory = sqlite3.Row
        self.lock = threading.Lock()
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = full")
        self._db.executescript(SCHEMA)
        columns = {row["name"] for row in self._db.execute("pragma table_info(fault)")}
        if "merchant_no" not in columns:  # a file of an earlier release
            self._db.execute("alter table fault add column merchant_no text not null default ''")

    def close(self) -> None:
        with self.lock:
            self._db.close()

    def put_fault(self, fault: Fault) -> None:
        with self.writing():
            self.run(
                "insert into fault (payment_no, kind, times, seconds, delta_minor, merchant_no) values (?,?,?,?,?,?)",
                fault.payment_no,
                fault.kind.value,
                fault.times,
                fault.seconds,
                fault.delta_minor,
                fault.merchant_no,
            )

    def faults(self) -> list[Row]:
        with self.lock:
            return self.all("select payment_no, kind, times, seconds, delta_minor, merchant_no from fault order by id")

    def clear_faults(self) -> None:
        with self.writing():
            self.run("delete from fault")

    def take_fault(self, payment_no: str, kind: FaultKind) -> Fault | None:
        """The fault that is meant for now, used up by one."""
        with self.lock:
            there = self.one("select 1 from fault where kind = ? and payment_no in (?, '*')", kind.value, payment_no)
        if there is None:
            return None
        with self.writing():
            return self.use_fault(payment_no, kind)

    def due(self, *, now_ms: int, limit: int) -> list[Row]:
        """The callbacks that should go out now, in the order in which they were meant."""
        with self.lock:
            return [dict(row) for row in self._db.execute(DUE, {"now": now_ms, "limit": limit})]

    def delivered(self, delivery: int, answer: str) -> None:
        with self.writing():
            self.run(
                "update delivery set state = 'delivered', attempts = attempts + 1, answer = ? where id = ?",
                answer,
                delivery,
            )

    def not_delivered(self, delivery: int, answer: str, *, next_at_ms: int) -> None:
        with self.writing():
            self.run(
                "update delivery set attempts = attempts + 1, next_at_ms = ?, held = 0, answer = ?,"
                " state = case when attempts + 1 >= ? then 'given_up' else 'waiting' end where id = ?",
                next_at_ms,
                answer[:200],
                RETRIES,
                delivery,
            )

    def deliveries(self, payment_no: str) -> list[Row]:
        with self.lock:
            return self.all(
                "select id, url, cast(body as text) as body, state, attempts, answer from delivery"
                " where payment_no = ? order by id",
                payment_no,
            )

    def tell(self, event: Event, url: str, now_ms: int) -> None:
        """Put a callback on its way, with whatever is to go wrong with it."""
        if not url:
            return
        number = event.payment_no
        wrong = self.use_fault(number, FaultKind.WRONG_AMOUNT)
        if wrong is not None:
            event = msgspec.structs.replace(event, amount_minor=event.amount_minor + wrong.delta_minor)
        lost = self.use_fault(number, FaultKind.LOST)
        late = self.use_fault(number, FaultKind.LATE)
        behind = self.use_fault(number, FaultKind.OUT_OF_ORDER)
        waits_s = max((fault.seconds for fault in (late, behind) if fault), default=0.0)
        for _ in range(2 if self.use_fault(number, FaultKind.DOUBLED) else 1):
            self.run(
                "insert into delivery (merchant_no, payment_no, url, body, state, held, next_at_ms)"
                " values (?,?,?,?,?,?,?)",
                event.merchant_no,
                number,
                url,
                msgspec.json.encode(event),
                "lost" if lost else "waiting",
                behind is not None,
                now_ms + int(waits_s * 1000),
            )

    def use_fault(self, payment_no: str, kind: FaultKind) -> Fault | None:
        row = self.one(
            "select * from fault where kind = ? and payment_no in (?, '*') order by payment_no = '*', id limit 1",
            kind.value,
            payment_no,
        )
        if row is None:
            return None
        if row["times"] == 1:
            self.run("delete from fault where id = ?", row["id"])
        elif row["times"] > 1:
            self.run("update fault set times = times - 1 where id = ?", row["id"])
        return Fault(
            kind=kind,
            payment_no=row["payment_no"],
            seconds=row["seconds"],
            delta_minor=row["delta_minor"],
            merchant_no=row["merchant_no"],
        )

    def one(self, sql: str, *args: object) -> Row | None:
        row = self._db.execute(sql, args).fetchone()
        return None if row is None else dict(row)

    def all(self, sql: str, *args: object) -> list[Row]:
        return [dict(row) for row in self._db.execute(sql, args)]

    def run(self, sql: str, *args: object) -> None:
        self._db.execute(sql, args)

    @contextmanager
    def writing(self) -> Generator[None]:
        with self.lock:
            self._db.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._db.execute("rollback")
                raise
            self._db.execute("commit")
