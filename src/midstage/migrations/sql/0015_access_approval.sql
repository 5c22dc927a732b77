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
