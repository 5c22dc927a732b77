-- The kit: facts and their delivery, timers, idempotency, audit.

create table fact (
  id            bigint generated always as identity,
  brand_id      integer     not null,
  type          text        not null,
  version       smallint    not null,
  key           uuid        not null,
  payload       jsonb       not null,
  business_date date        not null,
  recorded_at   timestamptz not null default now(),
  xid           xid8        not null default pg_current_xact_id(),
  primary key (recorded_at, id)
) partition by range (recorded_at);
create index fact_xid on fact (xid);
create index fact_of_key on fact (brand_id, key, id);
create table fact_default partition of fact default;

-- Given by the sequencer alone: within a brand without gaps, in the order of the commits of each subject.
create table fact_number (
  brand_id    integer     not null,
  number      bigint      not null,
  fact_id     bigint      not null,
  recorded_at timestamptz not null,
  primary key (brand_id, number, recorded_at),
  unique (fact_id, recorded_at)
) partition by range (recorded_at);
create table fact_number_default partition of fact_number default;

create table fact_head (
  brand_id integer primary key,
  number   bigint not null
);

create table sequencer (
  only_one          boolean primary key default true check (only_one),
  snapshot          pg_snapshot not null,
  system_identifier bigint      not null,
  leased_by         text,
  leased_until      timestamptz not null default '-infinity',
  passes            bigint      not null default 0
);

create table fact_cursor (
  subscriber   text        not null,
  brand_id     integer     not null,
  number       bigint      not null default 0,
  moved_at     timestamptz not null default now(),
  primary key (subscriber, brand_id)
);

-- What a subscriber could not do yet: failed facts, and the later ones of the same key that wait behind them.
create table fact_aside (
  subscriber  text        not null,
  brand_id    integer     not null,
  number      bigint      not null,
  fact_id     bigint      not null,
  recorded_at timestamptz not null,
  key         uuid        not null,
  type        text        not null,
  state       text        not null check (state in ('retrying', 'behind', 'set_aside')),
  attempts    integer     not null default 0,
  next_try_at timestamptz not null default 'infinity',
  error       text        not null default '',
  since       timestamptz not null default now(),
  primary key (subscriber, brand_id, number)
);
create index fact_aside_of_key on fact_aside (subscriber, brand_id, key, number);
create index fact_aside_due on fact_aside (next_try_at) where state = 'retrying';

create table timer (
  brand_id integer     not null,
  kind     text        not null,
  key      uuid        not null,
  due_at   timestamptz not null,
  payload  jsonb       not null default '{}',
  attempts integer     not null default 0,
  error    text        not null default '',
  set_at   timestamptz not null default now(),
  primary key (brand_id, kind, key)
);
create index timer_due on timer (due_at);

create table idempotency (
  brand_id    integer     not null,
  principal   uuid        not null,
  operation   text        not null,
  key         text        not null check (length(key) between 1 and 200),
  body_hash   bytea       not null,
  status      smallint,
  answer      bytea,
  recorded_at timestamptz not null default now(),
  primary key (brand_id, principal, operation, key)
) with (fillfactor = 70);
create index idempotency_age on idempotency using brin (recorded_at);

create table audit (
  id           bigint generated always as identity,
  brand_id     integer     not null,
  actor_kind   text        not null,
  actor_id     uuid        not null,
  action       text        not null,
  subject_type text        not null,
  subject_id   text        not null,
  before       jsonb       not null,
  after        jsonb       not null,
  recorded_at  timestamptz not null default now(),
  primary key (brand_id, recorded_at, id)
) partition by range (recorded_at);
create index audit_of_subject on audit (brand_id, subject_type, subject_id, recorded_at);
create table audit_default partition of audit default;

-- How long what is kept, in days; a brand may keep shorter where the law allows.
create table retention (
  what text primary key,
  days integer not null check (days > 0)
);
insert into retention (what, days) values ('fact', 396), ('idempotency', 7), ('audit', 2557);

-- Readable numbers are scrambled from serials that each process fetches by the block.
create sequence readable_serial increment by 64 maxvalue 1073741760 cycle minvalue 0 start with 0;
