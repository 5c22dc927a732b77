-- Kit: webhooks and limits.

-- Where a brand sends its facts. Facts up to `cursor` have been sent, or stand in webhook_delivery.
-- `epoch` goes up with each turn of a courier and each replay: what an earlier turn still has in hand is not recorded.
create table webhook_endpoint (
  brand_id      integer     not null,
  endpoint_id   uuid        not null,
  url           text        not null check (url <> ''),
  note          text        not null default '',
  types         text[]      not null,           -- which facts; none: all of them
  secret        bytea       not null,           -- sealed, as is old_secret
  old_secret    bytea,
  old_until     timestamptz,
  state         text        not null default 'active' check (state in ('active', 'paused', 'disabled')),
  why           text        not null default '',
  cursor        bigint      not null,
  epoch         bigint      not null default 0,
  leased_until  timestamptz not null default '-infinity',
  failures      integer     not null default 0, -- in a row
  failing_since timestamptz,
  rest_until    timestamptz not null default '-infinity',
  succeeded_at  timestamptz,
  made_at       timestamptz not null,
  changed_at    timestamptz not null,
  version       integer     not null default 1,
  primary key (brand_id, endpoint_id),
  check ((old_secret is null) = (old_until is null)),
  check ((state = 'disabled') = (why <> ''))
);

-- One row a fact that was tried at an endpoint; those behind it of the same subject wait for it.
create table webhook_delivery (
  brand_id    integer     not null,
  endpoint_id uuid        not null,
  number      bigint      not null,
  fact_id     bigint      not null,
  recorded_at timestamptz not null,
  key         uuid        not null,
  type        text        not null,
  state       text        not null check (state in ('delivered', 'retrying', 'behind', 'given_up')),
  attempts    integer     not null default 0,
  since       timestamptz not null,             -- when it was first tried, or began to wait
  tried_at    timestamptz,
  next_try_at timestamptz not null default 'infinity',
  status      smallint,
  took_ms     integer,
  told        text        not null default '',  -- what the other side answered, cut short, or why it did not
  primary key (brand_id, endpoint_id, number),
  foreign key (brand_id, endpoint_id) references webhook_endpoint on delete cascade,
  check ((state = 'retrying') = (next_try_at < 'infinity'))
);
create index webhook_delivery_waiting on webhook_delivery (brand_id, endpoint_id, key, number)
  where state in ('retrying', 'behind');
create index webhook_delivery_due on webhook_delivery (brand_id, endpoint_id, next_try_at) where state = 'retrying';
create index webhook_delivery_given_up on webhook_delivery (brand_id, endpoint_id, number) where state = 'given_up';
create index webhook_delivery_over on webhook_delivery (tried_at) where state in ('delivered', 'given_up');

insert into retention (what, days) values ('webhook_delivery', 30);

-- How much of its limit a caller has left. Lost with a crash of the server, which costs nobody anything.
create unlogged table rate_bucket (
  brand_id  integer          not null,
  subject   bytea            not null,
  level     double precision not null,
  filled_at timestamptz      not null,
  primary key (brand_id, subject)
) with (fillfactor = 50);
create index rate_bucket_age on rate_bucket using brin (filled_at);
