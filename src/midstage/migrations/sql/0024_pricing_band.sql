-- Pricing: what a store asks of its own for a sku, within the band of the goods policy.
create table own_price (
  brand_id   integer     not null,
  store_id   uuid        not null,
  sku_id     uuid        not null,
  unit_minor bigint      not null check (unit_minor between 0 and 1000000000000),
  currency   text        not null check (currency ~ '^[A-Z]{3}$'),
  by_kind    text        not null,
  by_id      uuid        not null,
  at         timestamptz not null,
  primary key (brand_id, store_id, sku_id)
);
create index own_price_of_sku on own_price (brand_id, sku_id);
