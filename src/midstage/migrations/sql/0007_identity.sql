-- Identity: persons and identifiers.

create table person (
  brand_id  integer     not null,
  person_id uuid        not null,
  person_no integer     not null check (person_no > 0),
  source    text        not null,
  born_at   timestamptz not null,
  primary key (brand_id, person_id),
  unique (brand_id, person_no)
);

-- Whose number is next. One row would be held from the birth of a person to the end of its transaction and make
-- all others wait; so each of 32 slots deals every 32nd number, and whoever needs one takes the least used free slot.
create table person_number (
  brand_id integer not null,
  slot     integer not null check (slot between 0 and 31),
  dealt    integer not null default 0 check (dealt >= 0),
  primary key (brand_id, slot)
) with (fillfactor = 50);

-- The key is the promise: an identifier points to one person.
create table identifier (
  brand_id    integer     not null,
  kind        text        not null check (kind in ('phone', 'card', 'email', 'wechat_openid', 'wechat_unionid',
                                                   'taobao', 'jd', 'douyin', 'device', 'custom')),
  namespace   text        not null default '',
  value       text        not null check (value <> ''),
  person_id   uuid        not null,
  source      text        not null,
  attached_at timestamptz not null,
  primary key (brand_id, kind, namespace, value)
);
create index identifier_of_person on identifier (brand_id, person_id);

-- A merged person points to its root, always in one step. Nothing else is rewritten by a merge.
create table person_alias (
  brand_id  integer     not null,
  person_id uuid        not null,
  root_id   uuid        not null check (root_id <> person_id),
  reason    text        not null,
  merged_at timestamptz not null,
  primary key (brand_id, person_id),
  foreign key (brand_id, person_id) references person (brand_id, person_id),
  foreign key (brand_id, root_id) references person (brand_id, person_id)
);
create index person_alias_of_root on person_alias (brand_id, root_id);
