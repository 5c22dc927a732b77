-- Members: membership, profile, consents.

create table member_level (
  brand_id    integer  not null,
  code        text     not null check (code ~ '^[a-z][a-z0-9_]{0,29}$'),
  name_zh     text     not null,
  name_en     text     not null,
  rank        smallint not null check (rank >= 0),
  growth_from bigint   not null check (growth_from >= 0),
  primary key (brand_id, code),
  unique (brand_id, rank)
);

create table profile_field (
  brand_id integer not null,
  code     text    not null check (code ~ '^[a-z][a-z0-9_]{0,29}$'),
  kind     text    not null check (kind in ('text', 'number', 'boolean', 'date', 'choice')),
  name_zh  text    not null,
  name_en  text    not null,
  choices  text[]  not null default '{}',
  personal boolean not null,
  primary key (brand_id, code)
);

-- The level has no foreign key: every join would lock the row of the lowest level. Writes ask for it, the doctor too.
create table member (
  brand_id      integer     not null,
  member_id     uuid        not null,
  person_id     uuid        not null,
  member_no     text        not null,
  level         text        not null,
  growth        bigint      not null default 0 check (growth >= 0),
  state         text        not null default 'active' check (state in ('active', 'frozen', 'closed')),
  store_id      uuid        not null,
  guide_id      uuid        not null,
  touchpoint_id uuid        not null,
  front         text        not null,
  referrer_id   uuid        check (referrer_id <> member_id),
  joined_at     timestamptz not null,
  name          text,
  birthday      date,
  gender        text        check (gender in ('female', 'male', 'other')),
  extra         jsonb       not null default '{}',
  version       integer     not null default 1,
  primary key (brand_id, member_id),
  unique (brand_id, person_id),
  unique (brand_id, member_no)
) with (fillfactor = 85);
create index member_joined on member (brand_id, joined_at, member_id);
create index member_of_store on member (brand_id, store_id, joined_at, member_id);
create index member_of_guide on member (brand_id, guide_id, joined_at, member_id);
create index member_name on member (brand_id, name text_pattern_ops) where name is not null;

-- To whom a member has belonged, from joining on: the latest row says what the member row says.
create table member_binding (
  brand_id      integer     not null,
  binding_id    uuid        not null default uuidv7(),
  member_id     uuid        not null,
  store_id      uuid        not null,
  guide_id      uuid        not null,
  touchpoint_id uuid        not null,
  reason        text        not null,
  by_kind       text        not null,
  by_id         uuid        not null,
  since         timestamptz not null,
  primary key (brand_id, binding_id)
);
create index member_binding_of_member on member_binding (brand_id, member_id, binding_id);

create table consent (
  brand_id   integer     not null,
  member_id  uuid        not null,
  purpose    text        not null check (purpose in ('service', 'marketing', 'profiling', 'sharing', 'biometrics')),
  channel    text        not null check (channel in ('any', 'sms', 'call', 'email', 'wechat', 'app_push', 'post')),
  given      boolean     not null,
  source     text        not null,
  changed_at timestamptz not null,
  primary key (brand_id, member_id, purpose, channel)
);

-- Every change of a consent, never rewritten. `document` is the version of the text that was agreed to.
create table consent_history (
  brand_id    integer     not null,
  history_id  uuid        not null default uuidv7(),
  member_id   uuid        not null,
  purpose     text        not null,
  channel     text        not null,
  given       boolean     not null,
  source      text        not null,
  document    text        not null,
  by_kind     text        not null,
  by_id       uuid        not null,
  recorded_at timestamptz not null,
  primary key (brand_id, history_id)
);
create index consent_history_of_member on consent_history (brand_id, member_id, history_id);

-- What insight knows of a person and checkout asks for. No foreign key: a person need not be a member.
create table person_label (
  brand_id  integer not null,
  person_id uuid    not null,
  label     text    not null check (length(label) between 1 and 100),
  primary key (brand_id, person_id, label)
);
create index person_label_of_label on person_label (brand_id, label, person_id);
