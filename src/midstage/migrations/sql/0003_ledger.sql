-- The ledger: accounts, transfers, holds, lots. The sum of all entries of an asset is zero, always.

create table ledger_account (
  brand_id    integer     not null,
  account_id  uuid        not null,
  kind        text        not null check (length(kind) between 1 and 60),
  owner       uuid        not null,
  asset       text        not null check (length(asset) between 1 and 20),
  min_balance bigint,     -- null: append-only, no balance row
  keeps_lots  boolean     not null default false check (not keeps_lots or min_balance = 0),
  opened_at   timestamptz not null,
  primary key (brand_id, account_id)
);

-- Only of accounts with a minimum: one row that every transfer of the account locks.
create table ledger_balance (
  brand_id     integer not null,
  account_id   uuid    not null,
  amount       bigint  not null default 0,
  held         bigint  not null default 0 check (held >= 0),
  min_balance  bigint  not null,
  keeps_lots   boolean not null,
  frozen_until timestamptz,
  primary key (brand_id, account_id),
  constraint ledger_balance_minimum check (amount - held >= min_balance)
) with (fillfactor = 70);

-- transfer_id is derived from the key, so that this one index also keeps a key from being booked twice.
create table ledger_transfer (
  brand_id    integer     not null,
  transfer_id uuid        not null,
  key         text        not null check (length(key) between 1 and 200),
  content     bytea       not null,
  reason      text        not null check (length(reason) between 1 and 60),
  reference   uuid        not null,
  booked_at   timestamptz not null,
  primary key (brand_id, transfer_id)
);

create table ledger_entry (
  brand_id    integer not null,
  account_id  uuid    not null,
  number      bigint  generated always as identity,
  transfer_id uuid    not null,
  asset       text    not null,
  amount      bigint  not null check (amount <> 0),
  primary key (brand_id, account_id, number)
);

-- Entries of append-only accounts that no roll-up holds yet. Rows go when they are rolled up, in the same statement:
-- so balance = roll-up + these, whatever runs at the same time.
create table ledger_unrolled (
  brand_id   integer not null,
  account_id uuid    not null,
  number     bigint  not null,
  amount     bigint  not null,
  primary key (brand_id, account_id, number)
);

create table ledger_roll_up (
  brand_id     integer     not null,
  account_id   uuid        not null,
  amount       bigint      not null,
  rolled_up_at timestamptz not null,
  primary key (brand_id, account_id)
);

create table ledger_hold (
  brand_id    integer     not null,
  hold_id     uuid        not null,
  key         text        not null check (length(key) between 1 and 200),
  account_id  uuid        not null,
  destination uuid        not null,
  asset       text        not null,
  amount      bigint      not null check (amount > 0),
  posted      bigint      not null default 0 check (posted between 0 and amount),
  state       text        not null default 'open' check (state in ('open', 'posted', 'released', 'expired')),
  reason      text        not null,
  reference   uuid        not null,
  held_at     timestamptz not null,
  expires_at  timestamptz not null,
  ended_at    timestamptz,
  primary key (brand_id, hold_id),
  check ((state = 'open') = (ended_at is null))
);
create index ledger_hold_due on ledger_hold (brand_id, expires_at) where state = 'open';

-- A lot has the id of the transfer that brought it.
create table ledger_lot (
  brand_id     integer     not null,
  account_id   uuid        not null,
  lot_id       uuid        not null,
  amount       bigint      not null check (amount > 0),
  left_amount  bigint      not null check (left_amount >= 0),
  held_amount  bigint      not null default 0 check (held_amount >= 0),
  number       bigint      generated always as identity,
  arrived_at   timestamptz not null,
  frozen_until timestamptz,
  expires_at   timestamptz,
  primary key (brand_id, account_id, lot_id),
  check (left_amount + held_amount <= amount)
);
create index ledger_lot_due on ledger_lot (brand_id, expires_at) where left_amount > 0;

create table ledger_lot_take (
  brand_id    integer not null,
  transfer_id uuid    not null,
  account_id  uuid    not null,
  lot_id      uuid    not null,
  amount      bigint  not null check (amount > 0),
  primary key (brand_id, transfer_id, account_id, lot_id)
);

create table ledger_hold_lot (
  brand_id   integer  not null,
  hold_id    uuid     not null,
  account_id uuid     not null,
  lot_id     uuid     not null,
  place      smallint not null,
  amount     bigint   not null check (amount > 0),
  primary key (brand_id, hold_id, account_id, lot_id)
);
