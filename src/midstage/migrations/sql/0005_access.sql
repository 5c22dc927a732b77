-- Access: logins, roles, sessions, phone codes, messages of the sandbox, API keys.

create table login (
  brand_id      integer     not null,
  staff_id      uuid        not null,
  name          text        not null check (name = lower(name)),
  password_hash text        not null,
  failures      integer     not null default 0,
  first_failure_at timestamptz,
  locked_until  timestamptz not null default '-infinity',
  changed_at    timestamptz not null,
  primary key (brand_id, staff_id)
);
create unique index login_name on login (brand_id, name);

-- What a brand made of its own; the built-in roles are code.
create table role (
  brand_id    integer not null,
  code        text    not null,
  name_zh     text    not null,
  name_en     text    not null,
  permissions text[]  not null,
  primary key (brand_id, code)
);

-- A grant without units and operators is of everything in the brand.
create table role_grant (
  brand_id  integer not null,
  staff_id  uuid    not null,
  role      text    not null,
  units     uuid[]  not null default '{}',
  operators uuid[]  not null default '{}',
  primary key (brand_id, staff_id, role)
);

create table session (
  brand_id    integer     not null,
  token_hash  bytea       not null,
  session_id  uuid        not null,
  kind        text        not null check (kind in ('shopper', 'staff', 'guide', 'app')),
  subject_id  uuid        not null,
  member_id   uuid,
  opened_at   timestamptz not null,
  expires_at  timestamptz not null,
  primary key (brand_id, token_hash)
);
create unique index session_id on session (brand_id, session_id);
create index session_of on session (brand_id, subject_id);

create table phone_code (
  brand_id   integer     not null,
  phone_hash bytea       not null,  -- with the purpose; the phone itself is not kept here
  code_hash  bytea       not null,
  sent_at    timestamptz not null,
  expires_at timestamptz not null,
  tries_left integer     not null,
  sent_on    date        not null,
  sent_today integer     not null,
  primary key (brand_id, phone_hash)
);

create table api_key (
  brand_id    integer     not null,
  key_id      uuid        not null,
  secret_hash bytea       not null,
  name        text        not null,
  permissions text[]      not null,
  units       uuid[]      not null default '{}',
  operators   uuid[]      not null default '{}',
  created_at  timestamptz not null,
  expires_at  timestamptz,
  revoked_at  timestamptz,
  primary key (brand_id, key_id)
);
create unique index api_key_secret on api_key (brand_id, secret_hash);
