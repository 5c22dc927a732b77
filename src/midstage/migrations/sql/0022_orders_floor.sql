-- Orders: sales of tills, held sales, what tills gave back, sales that could not be booked.

-- Of what a line consists where it is a bundle: sku, part of the order, quantity, and its share of the line's total.
alter table order_line add column parts jsonb not null default '[]';

-- What an order of a till has besides. Of an offline sale what its device said stays beside what we made of it.
create table till_sale (
  brand_id        integer     not null,
  order_id        uuid        not null,
  store_id        uuid        not null,
  till_id         uuid        not null,
  shift_id        uuid        not null,
  business_date   date        not null,
  cashier_id      uuid        not null,
  sold_at         timestamptz not null,  -- as we believe
  booked_at       timestamptz not null,
  device_sale_id  text check (length(device_sale_id) between 1 and 64),  -- null: sold online
  device_sequence bigint,
  device_at       timestamptz,           -- as the device said
  device_receipt  text,
  clock           text        not null default 'right' check (clock in ('right', 'corrected', 'unknown')),
  differs_minor   bigint      not null default 0,  -- what was charged beyond our prices
  content_hash    bytea,                 -- of what the device told
  primary key (brand_id, order_id),
  check ((device_sale_id is null) = (device_at is null) and (device_sale_id is null) = (content_hash is null))
);
-- Each once, whatever the network does.
create unique index till_sale_of_device on till_sale (brand_id, till_id, device_sale_id) where device_sale_id is not null;
create index till_sale_of_day on till_sale (brand_id, store_id, business_date);

-- Sales of a device that could not be booked: kept whole until a person has dealt with them.
create table refused_sale (
  brand_id       integer     not null,
  refused_id     uuid        not null,
  store_id       uuid        not null,
  till_id        uuid        not null,
  device_sale_id text        not null,
  content_hash   bytea       not null,
  content        jsonb       not null,   -- may name a member by phone or card: personal data
  code           text        not null,   -- of the refusal
  reason_zh      text        not null,
  reason_en      text        not null,
  state          text        not null default 'waiting' check (state in ('waiting', 'booked', 'dismissed')),
  order_id       uuid,
  note           text        not null default '',
  received_at    timestamptz not null,
  tried_at       timestamptz not null,
  tries          integer     not null default 1,
  ended_at       timestamptz,
  primary key (brand_id, refused_id),
  unique (brand_id, till_id, device_sale_id, content_hash),
  check ((state = 'waiting') = (ended_at is null))
);
create index refused_sale_waiting on refused_sale (brand_id, store_id, received_at) where state = 'waiting';

create table held_sale (
  brand_id      integer     not null,
  held_id       uuid        not null,
  store_id      uuid        not null,
  till_id       uuid        not null,
  business_date date        not null,
  name          text        not null,
  cart          jsonb       not null,
  held_by       uuid        not null,
  held_at       timestamptz not null,
  state         text        not null default 'held' check (state in ('held', 'recalled', 'dropped', 'expired')),
  ended_till_id uuid,
  ended_by      uuid,
  ended_at      timestamptz,
  primary key (brand_id, held_id),
  check ((state = 'held') = (ended_at is null))
);
create index held_sale_of_store on held_sale (brand_id, store_id, held_at) where state = 'held';

-- Goods that came back to a till: of an order, or without a receipt.
create table till_return (
  brand_id       integer     not null,
  return_id      uuid        not null,
  store_id       uuid        not null,
  till_id        uuid        not null,
  shift_id       uuid        not null,
  business_date  date        not null,
  cashier_id     uuid        not null,
  order_id       uuid,                   -- null: without a receipt
  refund_id      uuid,
  exchange_of    uuid,                   -- the sale that it was exchanged for
  currency       text        not null,
  amount_minor   bigint      not null check (amount_minor > 0),
  tax_minor      bigint      not null,
  approval_id    uuid,
  reason         text        not null,
  returned_at    timestamptz not null,
  primary key (brand_id, return_id),
  check ((order_id is null) = (refund_id is null))
);
create index till_return_of_day on till_return (brand_id, store_id, business_date);
create index till_return_of_cashier on till_return (brand_id, cashier_id, business_date) where order_id is null;

create table till_return_line (
  brand_id       integer  not null,
  return_id      uuid     not null,
  line_no        smallint not null,
  sku_id         uuid     not null,
  quantity_milli bigint   not null check (quantity_milli > 0),
  amount_minor   bigint   not null,
  condition      text     not null check (condition in ('stock', 'damaged', 'kept')),
  primary key (brand_id, return_id, line_no)
);
