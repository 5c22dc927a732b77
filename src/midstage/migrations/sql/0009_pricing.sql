-- Pricing: list and supply price, price lists, the version of a brand's prices.

create table price_version (
  brand_id integer primary key,
  version  bigint not null
);

create table sku_price (
  brand_id     integer     not null,
  sku_id       uuid        not null,
  list_minor   bigint      not null check (list_minor between 0 and 1000000000000),
  supply_minor bigint      check (supply_minor between 0 and 1000000000000),
  currency     text        not null check (currency ~ '^[A-Z]{3}$'),
  changed_at   timestamptz not null,
  primary key (brand_id, sku_id)
);

create table price_list (
  brand_id      integer     not null,
  price_list_id uuid        not null,
  code          text        not null check (code <> ''),
  name_zh       text        not null,
  name_en       text        not null,
  currency      text        not null check (currency ~ '^[A-Z]{3}$'),
  sales_channel text,
  store_id      uuid,
  operator_id   uuid,
  unit_id       uuid,
  level         text,
  starts_at     timestamptz not null,
  ends_at       timestamptz,
  rank          integer     not null default 0,
  state         text        not null check (state in ('draft', 'live', 'ended')),
  version       integer     not null default 1,
  primary key (brand_id, price_list_id),
  unique (brand_id, code),
  check (ends_at > starts_at)
);
create index price_list_by_state on price_list (brand_id, state, price_list_id);

-- Found by sku on the hot path; the second index pages through one list.
create table price_entry (
  brand_id      integer not null,
  sku_id        uuid    not null,
  price_list_id uuid    not null,
  unit_minor    bigint  not null check (unit_minor between 0 and 1000000000000),
  primary key (brand_id, sku_id, price_list_id)  -- the list is locked while entries are written, and never deleted
);
create index price_entry_of_list on price_entry (brand_id, price_list_id, sku_id);
