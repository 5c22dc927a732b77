-- Orders: carts, favourites, the one order book with its lines, parts and history.

-- The owner is a member, or a guest whose cart is merged into the member's at sign-in.
create table cart_line (
  brand_id       integer     not null,
  owner_id       uuid        not null,
  sku_id         uuid        not null,
  quantity_milli bigint      not null check (quantity_milli > 0),
  added_at       timestamptz not null,
  primary key (brand_id, owner_id, sku_id)
);

create table favourite (
  brand_id   integer     not null,
  owner_id   uuid        not null,
  product_id uuid        not null,
  added_at   timestamptz not null,
  primary key (brand_id, owner_id, product_id)
);

create table sales_order (
  brand_id       integer     not null,
  order_id       uuid        not null,
  number         text        not null,
  version        integer     not null default 1,
  kind           text        not null
                 check (kind in ('mall', 'till', 'scan_and_go', 'kiosk', 'guide', 'imported')),
  state          text        not null
                 check (state in ('placed', 'paid', 'completed', 'cancelled', 'expired')),
  sales_channel  text        not null,
  front          text        not null,
  store_id       uuid        not null,
  operator_id    uuid        not null,
  member_id      uuid,
  person_id      uuid,
  guide_id       uuid,          -- who placed or served it; whose sale it is stands below
  touchpoint_id  uuid,
  credited_store_id      uuid,  -- frozen at payment, never rewritten
  credited_guide_id      uuid,
  credited_touchpoint_id uuid,
  credited_referrer_id   uuid,
  currency       text        not null,
  units_milli    bigint      not null,
  goods_minor    bigint      not null,  -- lines before discounts
  discount_minor bigint      not null,
  shipping_minor bigint      not null,
  total_minor    bigint      not null,
  tax_minor      bigint      not null,
  tax_added_minor bigint     not null default 0,  -- the part of the tax that prices do not contain
  paid_minor     bigint      not null default 0,
  refunded_minor bigint      not null default 0,
  delivery       jsonb       not null,  -- method, and the address of a delivery: personal data
  note           text        not null default '',
  business_date  date        not null,
  placed_at      timestamptz not null,
  expires_at     timestamptz,
  paid_at        timestamptz,
  closed_at      timestamptz,
  primary key (brand_id, order_id),
  check (total_minor = goods_minor - discount_minor + shipping_minor + tax_added_minor),
  check (refunded_minor = 0 or refunded_minor between 0 and paid_minor)
) with (fillfactor = 85);
create unique index sales_order_number on sales_order (brand_id, number);
create index sales_order_of_store on sales_order (brand_id, store_id, state, placed_at desc, order_id desc);
create index sales_order_newest on sales_order (brand_id, placed_at desc, order_id desc);
create index sales_order_of_member on sales_order (brand_id, member_id, placed_at desc, order_id desc) where member_id is not null;
create index sales_order_due on sales_order (brand_id, expires_at) where state = 'placed';

create table order_line (
  brand_id       integer  not null,
  order_id       uuid     not null,
  line_no        smallint not null,
  part_no        smallint not null,
  sku_id         uuid     not null,
  product_id     uuid     not null,
  sku_code       text     not null,
  title_zh       text     not null,
  title_en       text     not null,
  options        text     not null,
  unit           text     not null,
  quantity_milli bigint   not null,
  unit_minor     bigint   not null,  -- informs; the total is the truth
  list_minor     bigint   not null,
  price_rule     text     not null,
  goods_minor    bigint   not null,
  discount_minor bigint   not null,
  total_minor    bigint   not null,
  discounts      jsonb    not null default '[]',  -- what each promotion took of this line, and who bears it
  tax_class      text     not null,
  tax_rate_millionths integer not null,
  tax_inclusive  boolean  not null,
  tax_minor      bigint   not null,
  refunded_minor bigint   not null default 0,
  returned_milli bigint   not null default 0,
  primary key (brand_id, order_id, line_no),
  check (total_minor = goods_minor - discount_minor),
  check (refunded_minor = 0 or refunded_minor between 0 and total_minor + case when tax_inclusive then 0 else tax_minor end),
  check (returned_milli = 0 or returned_milli between 0 and quantity_milli)
);

create table order_part (
  brand_id    integer     not null,
  order_id    uuid        not null,
  part_no     smallint    not null,
  location_id uuid        not null,
  method      text        not null check (method in ('delivery', 'pick_up', 'carry_out')),
  state       text        not null check (state in ('waiting', 'handed_over', 'cancelled')),
  moved_at    timestamptz not null,
  primary key (brand_id, order_id, part_no)
);
create index order_part_waiting on order_part (brand_id, location_id, moved_at) where state = 'waiting';

create table order_step (
  brand_id  integer     not null,
  order_id  uuid        not null,
  version   integer     not null,
  was       text,
  became    text        not null,
  by_kind   text        not null,
  by_id     uuid        not null,
  reason    text        not null default '',
  at        timestamptz not null,
  primary key (brand_id, order_id, version)
);

create table order_refund (
  brand_id     integer     not null,
  order_id     uuid        not null,
  refund_id    uuid        not null,
  amount_minor bigint      not null check (amount_minor >= 0),
  failed_minor bigint      not null default 0 check (failed_minor between 0 and amount_minor),  -- a provider would not
  lines        jsonb       not null,
  reason       text        not null,
  by_kind      text        not null,
  by_id        uuid        not null,
  at           timestamptz not null,
  primary key (brand_id, order_id, refund_id)
);
