-- Payments: business days of stores, shifts of tills and their cash, and in which shift a tender was taken.

-- One row a store and business day, made by the first shift of that day: who opens a shift or sells late holds it,
-- who closes the day changes it.
create table till_day (
  brand_id      integer not null,
  store_id      uuid    not null,
  business_date date    not null,
  state         text    not null default 'open' check (state in ('open', 'closed')),
  closed_at     timestamptz,
  closed_by     uuid,
  report        jsonb,   -- as it was when the day was closed
  primary key (brand_id, store_id, business_date),
  check ((state = 'closed') = (closed_at is not null and closed_by is not null and report is not null))
);
create index till_day_open on till_day (brand_id, business_date) where state = 'open';

create table till_shift (
  brand_id       integer     not null,
  shift_id       uuid        not null,
  till_id        uuid        not null,  -- the touchpoint of the till
  store_id       uuid        not null,
  business_date  date        not null,  -- of everything that is sold in it
  currency       text        not null check (currency ~ '^[A-Z]{3}$'),
  kind           text        not null check (kind in ('counted', 'late')),  -- late: for sales told after their day was closed
  state          text        not null check (state in ('open', 'closed')),
  opened_by      uuid        not null,
  held_by        uuid        not null,  -- who answers for the drawer
  opened_at      timestamptz not null,
  float_minor    bigint      not null check (float_minor >= 0),
  closed_at      timestamptz,
  closed_by      uuid,
  blind          boolean,
  expected_minor bigint,
  counted_minor  bigint check (counted_minor >= 0),
  pieces         jsonb,                 -- what was counted of each denomination
  note           text        not null default '',
  primary key (brand_id, shift_id),
  check ((state = 'closed') = (closed_at is not null and closed_by is not null and blind is not null
                               and expected_minor is not null and counted_minor is not null and pieces is not null))
) with (fillfactor = 80);
create unique index till_shift_open on till_shift (brand_id, till_id) where state = 'open';
create unique index till_shift_late on till_shift (brand_id, till_id, business_date) where kind = 'late';
create index till_shift_of_till on till_shift (brand_id, till_id, opened_at);
create index till_shift_of_day on till_shift (brand_id, store_id, business_date);
create index till_shift_differs on till_shift (brand_id, closed_at) where state = 'closed' and counted_minor <> expected_minor;

-- Cash that came into a drawer or left it other than by a sale: above zero it came, below zero it left.
create table till_cash (
  brand_id     integer     not null,
  shift_id     uuid        not null,
  move_id      uuid        not null,
  kind         text        not null check (kind in ('paid_in', 'paid_out', 'drop', 'refund')),
  amount_minor bigint      not null,
  reason       text        not null,
  reference    uuid,
  by_id        uuid        not null,
  at           timestamptz not null,
  primary key (brand_id, shift_id, move_id),
  check (case kind when 'paid_in' then amount_minor > 0 else amount_minor < 0 end)
);

-- Who answered for a drawer from when on; with what was in it, where it was counted.
create table till_holder (
  brand_id      integer     not null,
  shift_id      uuid        not null,
  since         timestamptz not null,
  held_by       uuid        not null,
  expected_minor bigint     not null,
  counted_minor bigint check (counted_minor >= 0),
  primary key (brand_id, shift_id, since)
);

alter table tender add column shift_id uuid;          -- taken or given back at a till
alter table tender add column reference text;         -- a terminal's slip, a voucher's number
alter table tender add column given_minor bigint check (given_minor >= amount_minor);  -- cash: with the change
create index tender_of_shift on tender (brand_id, shift_id) where shift_id is not null;
