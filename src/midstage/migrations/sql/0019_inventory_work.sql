-- Inventory: transfers, counts, adjustments, incoming goods, alarms, and what stock is worth.

-- Of what is incoming, how much transfers and deliveries account for: nobody else may call that off.
alter table stock add column tracked_milli bigint not null default 0;
alter table stock add constraint stock_tracked_is_part check (tracked_milli between 0 and incoming_milli) not valid;
alter table stock validate constraint stock_tracked_is_part;

alter table stock_movement drop constraint stock_movement_kind_check;
alter table stock_movement add constraint stock_movement_kind_check check (kind in
  ('opening', 'received', 'expected', 'adjusted', 'counted', 'sold', 'reserved', 'expired', 'cancelled', 'handed_over',
   'sent', 'arrived', 'sent_back', 'lost')) not valid;
alter table stock_movement validate constraint stock_movement_kind_check;

alter table stock_discrepancy add column difference_milli bigint;
alter table stock_discrepancy add column resolution text check (resolution in ('accepted', 'adjusted', 'recounted', 'transferred'));
alter table stock_discrepancy add column count_id uuid;
create index stock_discrepancy_of_count on stock_discrepancy (brand_id, count_id) where count_id is not null;

-- The history of transfers, counts, deliveries, discrepancies and alarms: who did what, when, to how much.
create table stock_step (
  brand_id     integer     not null,
  subject_type text        not null check (subject_type in ('transfer', 'count', 'delivery', 'discrepancy', 'alarm')),
  subject_id   uuid        not null,
  step_id      uuid        not null,
  action       text        not null,
  at           timestamptz not null,
  by_kind      text        not null,
  by_id        uuid        not null,
  lines        jsonb       not null,
  note         text        not null default '',
  primary key (brand_id, subject_type, subject_id, step_id)
);

-- Transfers between two locations. What is in transit of a line is sent − received − lost − sent back.
create table stock_transfer (
  brand_id      integer     not null,
  transfer_id   uuid        not null,
  from_id       uuid        not null,
  to_id         uuid        not null,
  from_operator uuid        not null,
  to_operator   uuid        not null,
  currency      text        not null default '',  -- of the values of its lines
  state         text        not null check (state in
    ('asked', 'approved', 'refused', 'cancelled', 'sent', 'received', 'closed')),
  note          text        not null default '',
  due_on        date,
  version       integer     not null default 1,
  asked_at      timestamptz not null,
  changed_at    timestamptz not null,
  primary key (brand_id, transfer_id),
  check (from_id <> to_id)
);
create index stock_transfer_from on stock_transfer (brand_id, from_id, transfer_id);
create index stock_transfer_to on stock_transfer (brand_id, to_id, transfer_id);
create index stock_transfer_open on stock_transfer (brand_id, transfer_id)
 where state in ('asked', 'approved', 'sent', 'received');

create table stock_transfer_line (
  brand_id       integer not null,
  transfer_id    uuid    not null,
  sku_id         uuid    not null,
  asked_milli    bigint  not null check (asked_milli > 0),
  approved_milli bigint  not null check (approved_milli between 0 and asked_milli),
  sent_milli     bigint  not null default 0,
  received_milli bigint  not null default 0 check (received_milli >= 0),
  over_milli     bigint  not null default 0 check (over_milli >= 0),
  lost_milli     bigint  not null default 0 check (lost_milli >= 0),
  back_milli     bigint  not null default 0 check (back_milli >= 0),
  sent_minor     bigint  not null default 0,
  arrived_minor  bigint  not null default 0 check (arrived_minor >= 0),
  lost_minor     bigint  not null default 0 check (lost_minor >= 0),
  back_minor     bigint  not null default 0 check (back_minor >= 0),
  discrepancy_id uuid,
  primary key (brand_id, transfer_id, sku_id),
  check (sent_milli between 0 and approved_milli),
  constraint stock_transfer_in_transit check (received_milli + lost_milli + back_milli <= sent_milli),
  check (arrived_minor + lost_minor + back_minor <= sent_minor)
);

-- Why stock is changed by hand: what a brand adds to, or changes of, the reasons that come with Midstage.
create table stock_reason (
  brand_id             integer not null,
  code                 text    not null check (code ~ '^[a-z][a-z0-9_]{0,39}$'),
  name_zh              text    not null,
  name_en              text    not null,
  approval_above_minor bigint  check (approval_above_minor >= 0),
  active               boolean not null,
  primary key (brand_id, code)
);

create table stock_adjustment (
  brand_id      integer     not null,
  adjustment_id uuid        not null,
  location_id   uuid        not null,
  code          text        not null,
  reason        text        not null,
  lines         integer     not null,
  value_minor   bigint      not null,  -- what came in less what went out, at supply price
  currency      text        not null,
  approval_id   uuid,
  at            timestamptz not null,
  by_kind       text        not null,
  by_id         uuid        not null,
  primary key (brand_id, adjustment_id)
);
create index stock_adjustment_of_location on stock_adjustment (brand_id, location_id, adjustment_id);

create table stock_count (
  brand_id     integer     not null,
  count_id     uuid        not null,
  location_id  uuid        not null,
  kind         text        not null check (kind in ('full', 'category', 'skus')),
  category_ids uuid[]      not null default '{}',
  blind        boolean     not null,
  state        text        not null check (state in ('open', 'finished', 'approved', 'abandoned')),
  note         text        not null default '',
  mark_id      bigint      not null,  -- every movement since the count began has a larger number
  loss_minor   bigint      not null default 0 check (loss_minor >= 0),
  gain_minor   bigint      not null default 0 check (gain_minor >= 0),
  currency     text        not null default '',
  version      integer     not null default 1,
  opened_at    timestamptz not null,
  finished_at  timestamptz,
  closed_at    timestamptz,
  primary key (brand_id, count_id)
);
create index stock_count_of_location on stock_count (brand_id, location_id, count_id);
create index stock_count_open on stock_count (brand_id, count_id) where state in ('open', 'finished');

-- `book_milli` is the book when the count began; what was counted is compared with the book at that moment.
create table stock_count_line (
  brand_id         integer not null,
  count_id         uuid    not null,
  sku_id           uuid    not null,
  book_milli       bigint  not null,
  round            integer not null default 1,
  counted_milli    bigint  check (counted_milli >= 0),
  first_at         timestamptz,
  last_at          timestamptz,
  expected_milli   bigint,
  difference_milli bigint,
  value_minor      bigint,
  moved_between    boolean,
  primary key (brand_id, count_id, sku_id),
  check ((counted_milli is null) = (last_at is null))
);

create table stock_count_entry (
  brand_id   integer     not null,
  count_id   uuid        not null,
  entry_id   uuid        not null,
  sku_id     uuid        not null,
  round      integer     not null,
  milli      bigint      not null check (milli >= 0),
  counted_at timestamptz not null,
  device     text        not null default '',
  by_kind    text        not null,
  by_id      uuid        not null,
  primary key (brand_id, count_id, entry_id)
);
create index stock_count_entry_of_sku on stock_count_entry (brand_id, count_id, sku_id, round);

create table stock_delivery (
  brand_id     integer     not null,
  delivery_id  uuid        not null,
  location_id  uuid        not null,
  supplier     text        not null,
  document     text        not null default '',
  due_on       date,
  currency     text        not null,
  over_percent integer     not null check (over_percent between 0 and 100),
  state        text        not null check (state in ('expected', 'part', 'received', 'cancelled')),
  note         text        not null default '',
  version      integer     not null default 1,
  expected_at  timestamptz not null,
  changed_at   timestamptz not null,
  primary key (brand_id, delivery_id)
);
create index stock_delivery_of_location on stock_delivery (brand_id, location_id, delivery_id);
create index stock_delivery_open on stock_delivery (brand_id, delivery_id) where state in ('expected', 'part');

-- What is still open of a line is expected − received − refused − called off, at the least nothing.
create table stock_delivery_line (
  brand_id       integer not null,
  delivery_id    uuid    not null,
  sku_id         uuid    not null,
  expected_milli bigint  not null check (expected_milli > 0),
  supply_minor   bigint  not null check (supply_minor >= 0),
  received_milli bigint  not null default 0 check (received_milli >= 0),
  refused_milli  bigint  not null default 0 check (refused_milli >= 0),
  off_milli      bigint  not null default 0 check (off_milli >= 0),
  received_minor bigint  not null default 0 check (received_minor >= 0),
  primary key (brand_id, delivery_id, sku_id)
);

create table stock_alarm_level (
  brand_id    integer not null,
  location_id uuid    not null,
  sku_id      uuid    not null,
  min_milli   bigint  not null check (min_milli >= 0),
  primary key (brand_id, location_id, sku_id)
);

create table stock_alarm (
  brand_id      integer     not null,
  alarm_id      uuid        not null,
  location_id   uuid        not null,
  sku_id        uuid        not null,
  level_milli   bigint      not null,
  free_milli    bigint      not null,
  raised_at     timestamptz not null,
  snoozed_until timestamptz,
  resolved_at   timestamptz,
  primary key (brand_id, alarm_id)
);
create unique index stock_alarm_once on stock_alarm (brand_id, location_id, sku_id) where resolved_at is null;
create index stock_alarm_open on stock_alarm (brand_id, alarm_id) where resolved_at is null;

-- What stock is worth: a moving average for each operator and sku. No value without quantity, none below zero.
create table stock_cost (
  brand_id       integer not null,
  operator_id    uuid    not null,
  sku_id         uuid    not null,
  currency       text    not null default '',
  quantity_milli bigint  not null default 0,
  value_minor    bigint  not null default 0 check (value_minor >= 0),
  rate_minor     bigint  not null default 0 check (rate_minor >= 0),   -- the last average as a fraction
  rate_milli     bigint  not null default 0 check (rate_milli >= 0),   -- zero: no price was ever known
  primary key (brand_id, operator_id, sku_id),
  constraint stock_cost_needs_goods check (value_minor = 0 or quantity_milli > 0)
) with (fillfactor = 80);

create index stock_cost_of_sku on stock_cost (brand_id, sku_id);
create index stock_cost_unpriced on stock_cost (brand_id, operator_id, sku_id) where rate_milli = 0;

-- How far a stock row's movements are in the books of value, and whose they are.
create table stock_cost_place (
  brand_id       integer not null,
  location_id    uuid    not null,
  sku_id         uuid    not null,
  operator_id    uuid    not null,
  quantity_milli bigint  not null default 0,
  movement_id    bigint  not null default 0,
  primary key (brand_id, location_id, sku_id)
) with (fillfactor = 80);
create index stock_cost_place_of_pool on stock_cost_place (brand_id, operator_id, sku_id);

-- Every change of value, in the order in which it was booked. What is in transit is kept apart.
create table stock_cost_entry (
  brand_id      integer     not null,
  entry_id      bigint      generated always as identity,
  operator_id   uuid        not null,
  location_id   uuid        not null,
  sku_id        uuid        not null,
  transit       boolean     not null,
  kind          text        not null,
  reference     uuid        not null,
  movement_id   bigint,
  milli         bigint      not null,
  in_minor      bigint      not null,
  out_minor     bigint      not null,
  business_date date        not null,
  primary key (brand_id, entry_id),
  check (in_minor >= 0 and out_minor >= 0)
);
create index stock_cost_entry_by_day on stock_cost_entry (brand_id, business_date, sku_id);
create index stock_cost_entry_of_pool on stock_cost_entry (brand_id, operator_id, sku_id, entry_id);
create index stock_cost_entry_transit on stock_cost_entry (brand_id, sku_id) where transit;
create unique index stock_cost_entry_once on stock_cost_entry (brand_id, movement_id) where movement_id is not null;

-- How far somebody has followed the movements. `seen` becomes `through` when all that ran at that moment is over.
create table stock_follow (
  brand_id   integer not null,
  follower   text    not null,
  through_id bigint  not null default 0,
  seen_id    bigint  not null default 0,
  seen_xmax  bigint  not null default 0,
  primary key (brand_id, follower)
);
