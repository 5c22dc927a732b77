-- Payments: merchants, payments, attempts, tenders, refunds, discrepancies.

-- Where a payee's money is collected. Secrets are references (env:…, file:…), never values.
create table merchant (
  brand_id    integer     not null,
  merchant_id uuid        not null,
  payee       uuid,       -- null: the brand itself collects
  provider    text        not null,
  settings    jsonb       not null,
  secrets     jsonb       not null,
  state       text        not null default 'active' check (state in ('active', 'paused')),
  changed_at  timestamptz not null,
  primary key (brand_id, merchant_id),
  unique nulls not distinct (brand_id, payee, provider)
);

create table payment (
  brand_id        integer     not null,
  payment_id      uuid        not null,
  order_id        uuid        not null,
  payee           uuid,
  currency        text        not null check (currency ~ '^[A-Z]{3}$'),
  due_minor       bigint      not null check (due_minor > 0),
  paid_minor      bigint      not null default 0,
  refunding_minor bigint      not null default 0,
  refunded_minor  bigint      not null default 0,
  state           text        not null default 'open' check (state in ('open', 'paid', 'closed', 'flagged')),
  opened_at       timestamptz not null,
  due_at          timestamptz not null,
  paid_at         timestamptz,
  primary key (brand_id, payment_id),
  constraint refunds_within_paid check (
    refunding_minor >= 0 and refunded_minor >= 0 and refunding_minor + refunded_minor <= paid_minor),
  constraint paid_in_full check (state <> 'paid' or (paid_minor >= due_minor and paid_at is not null)),
  constraint unpaid_holds_nothing check (state not in ('open', 'closed') or paid_minor = 0)
) with (fillfactor = 80); -- paying updates no indexed column: the new version stays on its page
create index payment_of_order on payment (brand_id, order_id);

-- Each time a payment was taken to a merchant's provider. Written before the provider is called.
create table payment_attempt (
  brand_id      integer     not null,
  payment_id    uuid        not null,
  merchant_id   uuid        not null,
  provider      text        not null,
  state         text        not null
    check (state in ('starting', 'started', 'authorised', 'refused', 'closed', 'ended')),
  capture_later boolean     not null default false,
  provider_no   text,
  cashier_url   text,
  queries       integer     not null default 0,
  next_query_at timestamptz not null,
  started_at    timestamptz not null,
  primary key (brand_id, payment_id, merchant_id),
  foreign key (brand_id, merchant_id) references merchant (brand_id, merchant_id)
);
create index payment_attempt_to_query on payment_attempt (brand_id, next_query_at)
  where state in ('starting', 'started', 'authorised');

-- Money that moved: above zero it came, below zero it went back. Rows are only added.
create table tender (
  brand_id       integer     not null,
  payment_id     uuid        not null,
  tender_id      uuid        not null,
  kind           text        not null check (kind in ('payment', 'refund')),
  method         text        not null,  -- the provider's name, or cash, card_terminal, … taken by hand
  merchant_id    uuid,
  transaction_no text,
  refund_id      uuid,
  amount_minor   bigint      not null,
  currency       text        not null,
  happened_at    timestamptz not null,
  booked_at      timestamptz not null,
  in_ledger      boolean     not null default true,  -- imported history is not
  primary key (brand_id, payment_id, tender_id),
  check (case kind when 'payment' then amount_minor > 0 else amount_minor < 0 and refund_id is not null end)
);
-- The constraint behind "book once".
create unique index tender_of_transaction on tender (brand_id, merchant_id, kind, transaction_no)
  where transaction_no is not null;
-- Named for the comparison with a provider's statement, a day at a time; costs next to nothing to keep.
create index tender_happened on tender using brin (happened_at);

create table refund (
  brand_id       integer     not null,
  refund_id      uuid        not null,
  payment_id     uuid        not null,
  order_id       uuid        not null,
  tender_id      uuid        not null,  -- the money that goes back
  key            text        not null check (length(key) between 1 and 200),
  part           smallint    not null default 0,
  amount_minor   bigint      not null check (amount_minor > 0),
  currency       text        not null,
  reason         text        not null check (length(reason) <= 500),
  state          text        not null check (state in ('requested', 'sent', 'refunded', 'failed')),
  by_hand        boolean     not null,  -- no provider gives it back: a person does
  transaction_no text,
  attempts       integer     not null default 0,
  next_try_at    timestamptz not null,
  error          text        not null default '',
  requested_at   timestamptz not null,
  ended_at       timestamptz,
  primary key (brand_id, refund_id),
  unique (brand_id, key, part),
  foreign key (brand_id, payment_id) references payment (brand_id, payment_id)
);
create index refund_of_payment on refund (brand_id, payment_id);
create index refund_of_order on refund (brand_id, order_id);
create index refund_list on refund (brand_id, requested_at, refund_id);
create index refund_to_push on refund (brand_id, next_try_at) where state in ('requested', 'sent') and not by_hand;

-- What our book and a provider say differently, until a person or the provider puts it right.
create table payment_discrepancy (
  brand_id       integer     not null,
  discrepancy_id uuid        not null,
  kind           text        not null
    check (kind in ('amount_differs', 'paid_twice', 'refund_differs', 'missing_here', 'missing_there')),
  payment_id     uuid,
  refund_id      uuid,
  merchant_id    uuid,
  transaction_no text        not null,
  expected_minor bigint      not null,
  expected_currency text     not null,
  got_minor      bigint      not null,
  got_currency   text        not null,
  happened_at    timestamptz not null,
  state          text        not null default 'open' check (state in ('open', 'accepted', 'dismissed', 'corrected')),
  note           text        not null default '',
  found_at       timestamptz not null,
  ended_at       timestamptz,
  primary key (brand_id, discrepancy_id),
  unique nulls not distinct (brand_id, kind, merchant_id, transaction_no, got_minor, got_currency)
);
create index payment_discrepancy_list on payment_discrepancy (brand_id, found_at, discrepancy_id);
create index payment_discrepancy_of_payment on payment_discrepancy (brand_id, payment_id);
