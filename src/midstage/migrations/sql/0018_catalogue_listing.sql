-- Catalogue: bundles, where products are listed, whose own they are, and changes by file.

-- A bundle is a sku that consists of other skus; it has a price and no stock. The flag spares checkout a look at
-- bundle_part for every other sku; `checks` proves that the two agree. No foreign keys: see 0006.
alter table sku add column bundle boolean not null default false;

create table bundle_part (
  brand_id       integer  not null,
  sku_id         uuid     not null,
  part_sku_id    uuid     not null,
  quantity_milli bigint   not null check (quantity_milli > 0),  -- of the part, in one piece of the bundle
  place          smallint not null,
  primary key (brand_id, sku_id, part_sku_id),
  check (sku_id <> part_sku_id)
);
create index bundle_part_of on bundle_part (brand_id, part_sku_id);

-- Whose own it is: of the brand, where neither is given. `restricted`: it is somebody's own, or stands in listing.
alter table product add column owner_store_id uuid;
alter table product add column owner_operator_id uuid;
alter table product add column restricted boolean not null default false;
alter table product add check (owner_store_id is null or owner_operator_id is null);
create index product_owned on product (brand_id, owner_store_id, owner_operator_id, product_id)
 where owner_store_id is not null or owner_operator_id is not null;

-- A product without a row is sold everywhere. `listed`: sold only where one such row fits; `withheld`: not sold where
-- it fits; `opted_out`: a store does not want it. Every part that is given must fit.
create table listing (
  brand_id      integer     not null,
  listing_id    uuid        not null,
  product_id    uuid        not null,
  kind          text        not null check (kind in ('listed', 'withheld', 'opted_out')),
  sales_channel text        check (sales_channel <> ''),
  store_id      uuid,
  operator_id   uuid,
  unit_id       uuid,
  reason        text        not null default '',
  by_kind       text        not null,
  by_id         uuid        not null,
  at            timestamptz not null,
  primary key (brand_id, listing_id),
  unique nulls not distinct (brand_id, product_id, kind, store_id, sales_channel, operator_id, unit_id),
  check (kind <> 'opted_out' or (store_id is not null and operator_id is null and unit_id is null))
);
create index listing_of_store on listing (brand_id, store_id, listing_id) where store_id is not null;

-- A change by file: what it would do is kept until somebody applies it, or it is forgotten.
create table change_set (
  brand_id   integer     not null,
  change_id  uuid        not null,
  kind       text        not null
             check (kind in ('products', 'prices', 'listings', 'categories', 'tax_classes')),
  state      text        not null check (state in ('previewed', 'applied')),
  file_name  text        not null default '',
  created    integer     not null default 0 check (created >= 0),
  changed    integer     not null default 0 check (changed >= 0),
  same       integer     not null default 0 check (same >= 0),
  faulty     integer     not null default 0 check (faulty >= 0),
  by_id      uuid        not null,
  at         timestamptz not null,
  expires_at timestamptz not null,
  applied_at timestamptz,
  applied_by uuid,
  written    integer     not null default 0 check (written >= 0),
  primary key (brand_id, change_id),
  check ((state = 'applied') = (applied_at is not null))
);
create index change_set_expiry on change_set (brand_id, expires_at);

create table change_row (
  brand_id  integer not null,
  change_id uuid    not null,
  line      integer not null,
  outcome   text    not null check (outcome in ('new', 'changed', 'same', 'fault')),
  cells     jsonb   not null,  -- as they stood in the file, so that applying reads them again; empty of a fault
  seen      integer not null default 0,  -- the version that the preview saw, where there is one
  fields    jsonb   not null,  -- what would change: field, before, after
  faults    jsonb   not null,
  primary key (brand_id, change_id, line)
);
create index change_row_of_outcome on change_row (brand_id, change_id, outcome, line);
