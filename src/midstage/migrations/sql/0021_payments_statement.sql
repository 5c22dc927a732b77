-- Payments: several of one order, statements of providers, several payees.

-- True where the order has other payments besides: who books one of them looks at the others.
alter table payment add column split boolean not null default false;

-- The combined payment (several payees at one cashier) that an attempt was a part of.
alter table payment_attempt add column combined_id uuid;

-- What the provider charges for a payment, as agreed. Null: whatever it says.
alter table merchant add column fee_millionths integer check (fee_millionths between 0 and 1000000);

-- A day of a merchant, as its provider counts days.
create table statement_day (
  brand_id    integer     not null,
  merchant_id uuid        not null,
  day         date        not null,
  state       text        not null default 'due' check (state in ('due', 'waits', 'differs', 'reconciled')),
  since_at    timestamptz,
  until_at    timestamptz,
  runs        integer     not null default 0,
  line_count  integer     not null default 0,
  matched     integer     not null default 0,
  fetched_at  timestamptz,
  next_try_at timestamptz,          -- null: not by itself
  error       text        not null default '',
  opened_at   timestamptz not null,
  primary key (brand_id, merchant_id, day),
  foreign key (brand_id, merchant_id) references merchant (brand_id, merchant_id),
  check ((state = 'due') = (fetched_at is null))
);
create index statement_day_due on statement_day (brand_id, next_try_at) where next_try_at is not null;
create index statement_day_list on statement_day (brand_id, day, merchant_id);

-- Collected less given back less fees, on both sides; the difference of the two is the sum of the differences.
create table statement_sum (
  brand_id         integer not null,
  merchant_id      uuid    not null,
  day              date    not null,
  currency         text    not null check (currency ~ '^[A-Z]{3}$'),
  ours_minor       bigint  not null,
  theirs_minor     bigint  not null,
  fee_minor        bigint  not null,
  fee_booked_minor bigint  not null,  -- in the ledger
  primary key (brand_id, merchant_id, day, currency)
);

-- The statement itself, as it came last.
create table statement_line (
  brand_id       integer     not null,
  merchant_id    uuid        not null,
  day            date        not null,
  line_no        integer     not null,
  payment_no     text        not null,
  refund_no      text        not null,
  transaction_no text        not null,
  amount_minor   bigint      not null,
  fee_minor      bigint      not null,
  currency       text        not null,
  happened_at    timestamptz not null,
  primary key (brand_id, merchant_id, day, line_no)
);
create index statement_line_of_transaction on statement_line (brand_id, merchant_id, transaction_no);

create table statement_difference (
  brand_id       integer     not null,
  difference_id  uuid        not null,
  merchant_id    uuid        not null,
  day            date        not null,
  kind           text        not null check (kind in (
    'missing_here', 'missing_there', 'amount_differs', 'fee_unexpected', 'refund_missing_here', 'refund_missing_there',
    'refund_differs', 'duplicate', 'wrong_merchant', 'in_transit')),
  mark           text        not null,  -- what it is known by, however often the day is compared
  transaction_no text        not null,
  payment_id     uuid,
  refund_id      uuid,
  tender_id      uuid,
  currency       text        not null,
  ours_minor     bigint      not null,  -- signed: what the provider owes us by it
  theirs_minor   bigint      not null,
  state          text        not null check (state in ('open', 'waiting', 'resolved', 'gone')),
  standing       boolean     not null default true,  -- the last comparison still shows it
  resolution     text        check (resolution in ('booked', 'given_back', 'fee', 'written_off', 'dismissed')),
  note           text        not null default '',
  wait_until     date,
  happened_at    timestamptz not null,
  found_at       timestamptz not null,
  ended_at       timestamptz,
  version        integer     not null default 1,
  primary key (brand_id, difference_id),
  unique (brand_id, merchant_id, day, kind, mark),
  check ((state = 'resolved') = (resolution is not null)),
  check (state <> 'gone' or not standing)
);
create index statement_difference_list on statement_difference (brand_id, found_at, difference_id);
create index statement_difference_open on statement_difference (brand_id, merchant_id, day)
  where state in ('open', 'waiting');

create table statement_difference_step (
  brand_id      integer     not null,
  difference_id uuid        not null,
  version       integer     not null,
  was           text,
  became        text        not null,
  verb          text        not null,
  by_kind       text        not null,
  by_id         uuid        not null,
  note          text        not null,
  at            timestamptz not null,
  primary key (brand_id, difference_id, version)
);

-- What waits for somebody, for the list of what is late.
create index payment_discrepancy_open on payment_discrepancy (brand_id, payment_id) where state = 'open';
create index refund_waiting on refund (brand_id, requested_at) where state in ('requested', 'sent');
