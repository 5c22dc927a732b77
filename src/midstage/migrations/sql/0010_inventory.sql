-- Inventory: locations, stock, movements, reservations, shares, discrepancies.

create table stock_location (
  brand_id     integer          not null,
  location_id  uuid             not null,  -- the store's id
  kind         text             not null check (kind in ('direct', 'franchise', 'unmanned', 'kiosk', 'warehouse', 'online', 'virtual')),
  operator_id  uuid             not null,
  lat          double precision check (lat between -90 and 90),
  lng          double precision check (lng between -180 and 180),
  sells_online boolean          not null,
  active       boolean          not null,
  primary key (brand_id, location_id),
  check ((lat is null) = (lng is null))
);
create index stock_location_place on stock_location (brand_id, lat) where active;

-- The columns are the sums of the movements. What is promised never exceeds what is there, but for `short_milli`:
-- how far below its promises a sale that had already happened took the goods (each such case is a discrepancy).
create table stock (
  brand_id       integer not null,
  location_id    uuid    not null,
  sku_id         uuid    not null,
  on_hand_milli  bigint  not null default 0,
  reserved_milli bigint  not null default 0 check (reserved_milli >= 0),
  shared_milli   bigint  not null default 0,
  safety_milli   bigint  not null default 0 check (safety_milli >= 0),
  incoming_milli bigint  not null default 0 check (incoming_milli >= 0),
  short_milli    bigint  not null default 0 check (short_milli >= 0),
  primary key (brand_id, location_id, sku_id),
  constraint stock_never_oversold check (reserved_milli <= on_hand_milli + short_milli),
  constraint stock_shared_is_part check (shared_milli between 0 and reserved_milli)
) with (fillfactor = 75);

create table stock_movement (
  brand_id             integer     not null,
  movement_id          bigint      generated always as identity,
  location_id          uuid        not null,
  sku_id               uuid        not null,
  kind                 text        not null check (kind in
    ('opening', 'received', 'expected', 'adjusted', 'counted', 'sold', 'reserved', 'expired', 'cancelled', 'handed_over')),
  on_hand_delta_milli  bigint      not null,
  reserved_delta_milli bigint      not null,
  incoming_delta_milli bigint      not null,
  reference            uuid        not null,
  reason               text        not null default '',
  moved_at             timestamptz not null,
  primary key (brand_id, movement_id)
);
-- The history of the goods; promises are found by their order.
create index stock_movement_of_goods on stock_movement (brand_id, location_id, sku_id, movement_id)
 where on_hand_delta_milli <> 0 or incoming_delta_milli <> 0;

create table stock_reservation (
  brand_id    integer     not null,
  order_id    uuid        not null,
  location_id uuid        not null,
  sku_id      uuid        not null,
  milli       bigint      not null check (milli > 0),
  state       text        not null default 'open' check (state in ('open', 'expired', 'cancelled', 'handed_over')),
  shared      boolean     not null,
  reserved_at timestamptz not null,
  ended_at    timestamptz,
  primary key (brand_id, order_id, location_id, sku_id),
  check ((state = 'open') = (ended_at is null))
) with (fillfactor = 80);

-- How much of a location's or operator's stock others may sell. The most exact row holds.
create table stock_share (
  brand_id      integer  not null,
  share_id      uuid     not null,
  location_id   uuid,
  operator_id   uuid,
  sales_channel text,
  percent       smallint not null check (percent between 0 and 100),
  primary key (brand_id, share_id),
  unique nulls not distinct (brand_id, location_id, operator_id, sales_channel),
  check (location_id is null or operator_id is null)
);

create table stock_discrepancy (
  brand_id       integer     not null,
  discrepancy_id uuid        not null,
  location_id    uuid        not null,
  sku_id         uuid        not null,
  kind           text        not null,
  on_hand_milli  bigint      not null,
  reserved_milli bigint      not null,
  reference      uuid        not null,
  found_at       timestamptz not null,
  settled_at     timestamptz,
  note           text        not null default '',
  primary key (brand_id, discrepancy_id)
);
create index stock_discrepancy_open on stock_discrepancy (brand_id, discrepancy_id) where settled_at is null;
