-- Access: logins, roles, sessions, phone codes, API keys.

create table login (
  brand_id      integer     not null,
  staff_id      uuid        not null,
  name          text        not null check (name = lower(name) and name <> ''),
  password_hash text        not null check (password_hash like '$argon2id$%'),
  state         text        not null default 'open' check (state in ('open', 'closed')),
  changed_at    timestamptz not null,
  primary key (brand_id, staff_id)
);
create unique index login_name on login (brand_id, name);

-- Wrong passwords of a name, whether anybody has that name or not: the answer must not tell.
create table sign_in_try (
  brand_id  integer     not null,
  name_hash bytea       not null,
  since_at  timestamptz not null,
  tries     integer     not null check (tries > 0),
  primary key (brand_id, name_hash)
);

-- What a brand made of its own; the built-in roles are code.
create table role (
  brand_id    integer not null,
  code        text    not null check (code <> ''),
  name_zh     text    not null,
  name_en     text    not null,
  permissions text[]  not null,
  primary key (brand_id, code)
);

create table role_grant (
  brand_id   integer not null,
  staff_id   uuid    not null,
  role       text    not null,
  everything boolean not null,
  units      uuid[]  not null,
  operators  uuid[]  not null,
  stores     uuid[]  not null,
  primary key (brand_id, staff_id, role),
  foreign key (brand_id, staff_id) references login
);
create index role_grant_of_role on role_grant (brand_id, role);

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
create index session_over on session (brand_id, expires_at);

create table phone_code (
  brand_id   integer     not null,
  code_key   bytea       not null,  -- of phone and purpose; the phone itself is not kept here
  code_hash  bytea       not null,
  sent_at    timestamptz not null,
  expires_at timestamptz not null,
  tries_left integer     not null check (tries_left >= 0),
  primary key (brand_id, code_key)
);
create index phone_code_over on phone_code (brand_id, expires_at);

-- How many codes a phone was sent, whatever for.
create table phone_quota (
  brand_id   integer     not null,
  phone_hash bytea       not null,
  since_at   timestamptz not null,
  last_at    timestamptz not null,
  codes      integer     not null check (codes > 0),
  primary key (brand_id, phone_hash)
);

create table api_key (
  brand_id    integer     not null,
  key_id      uuid        not null,
  secret_hash bytea       not null,
  name        text        not null check (name <> ''),
  permissions text[]      not null,
  everything  boolean     not null,
  units       uuid[]      not null,
  operators   uuid[]      not null,
  stores      uuid[]      not null,
  created_at  timestamptz not null,
  expires_at  timestamptz,
  revoked_at  timestamptz,
  primary key (brand_id, key_id)
);
create unique index api_key_secret on api_key (brand_id, secret_hash);
