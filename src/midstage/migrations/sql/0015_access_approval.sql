-- Access: second factors, approvals, reads of personal data.

-- What goes beyond somebody's own limit, asked for and given by somebody else, once.
create table approval (
  brand_id     integer     not null,
  approval_id  uuid        not null,
  action       text        not null check (action <> ''),
  subject      text        not null check (subject <> ''),
  store_id     uuid,                -- null: of the brand as a whole
  amount_minor bigint      not null check (amount_minor >= 0),
  currency     text        not null,
  reason       text        not null,
  asked_by     uuid        not null,
  asked_at     timestamptz not null,
  state        text        not null check (state in ('asked', 'given', 'refused', 'used')),
  way          text        not null check (way in ('list', 'here')),
  answered_by  uuid        check (answered_by <> asked_by),
  answered_at  timestamptz,
  answer       text        not null default '',
  expires_at   timestamptz not null,
  used_at      timestamptz,
  primary key (brand_id, approval_id),
  check ((state = 'asked') = (answered_by is null)),
  check ((answered_by is null) = (answered_at is null)),
  check ((state = 'used') = (used_at is not null)),
  check (used_at <= expires_at)
);
create index approval_waiting on approval (brand_id, approval_id) where state = 'asked';
create index approval_of_asker on approval (brand_id, asked_by, approval_id);
create index approval_over on approval (brand_id, expires_at) where state <> 'used';

-- A number that an approver types at somebody else's device instead of the password.
create table approver_pin (
  brand_id integer     not null,
  staff_id uuid        not null,
  pin_hash text        not null check (pin_hash like '$argon2id$%'),
  wrong    integer     not null default 0 check (wrong >= 0),  -- in a row; the right one sets it back
  set_at   timestamptz not null,
  primary key (brand_id, staff_id),
  foreign key (brand_id, staff_id) references login
);

-- Whether the password is long enough to be the only factor.
alter table login add column fit_alone boolean not null default true;

-- A session that is `limited` has not finished signing in: it opens nothing but the next step.
alter table session
  add column limited text        not null default '' check (limited in ('', 'code', 'enrol', 'password')),
  add column factors smallint    not null default 1 check (factors in (1, 2)),
  add column device  text        not null default '',
  add column ip      text        not null default '',
  add column seen_at timestamptz;

-- A time-based one-time password (RFC 6238). `pending` is one that was shown and not yet confirmed by a first code.
create table second_factor (
  brand_id     integer     not null,
  staff_id     uuid        not null,
  secret       bytea,                          -- sealed, as is pending
  pending      bytea,
  last_step    bigint      not null default 0,  -- a code of this or an earlier step is used up
  pending_at   timestamptz,
  confirmed_at timestamptz,
  primary key (brand_id, staff_id),
  foreign key (brand_id, staff_id) references login,
  check ((secret is null) = (confirmed_at is null)),
  check ((pending is null) = (pending_at is null))
);

create table recovery_code (
  brand_id  integer     not null,
  staff_id  uuid        not null,
  code_hash bytea       not null,
  used_at   timestamptz,
  primary key (brand_id, staff_id, code_hash),
  foreign key (brand_id, staff_id) references second_factor on delete cascade
);

-- Who looked at whose personal data, where, and at which fields; `persons` where it was a list or a file.
create table personal_read (
  brand_id  integer     not null,
  read_at   timestamptz not null,
  read_id   uuid        not null,
  by_kind   text        not null,
  by_id     uuid        not null,
  call      text        not null check (call <> ''),
  member_id uuid,
  order_id  uuid,
  fields    text[]      not null,
  persons   integer     not null check (persons >= 0),
  primary key (brand_id, read_at, read_id)
);
create index personal_read_of_member on personal_read (brand_id, member_id, read_at) where member_id is not null;
create index personal_read_of_order on personal_read (brand_id, order_id, read_at) where order_id is not null;

-- Of an API key: how its secret begins, the secret before until it is over, when it was used, a limit of its own.
alter table api_key
  add column prefix           text not null default '',
  add column old_hash         bytea,
  add column old_until        timestamptz,
  add column rotated_at       timestamptz,
  add column last_used_at     timestamptz,
  add column calls_per_minute integer check (calls_per_minute > 0),
  add constraint api_key_old check ((old_hash is null) = (old_until is null));
create unique index api_key_old_secret on api_key (brand_id, old_hash) where old_hash is not null;
