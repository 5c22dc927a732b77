-- Identity: limits, blocks, quarantine, merges.

-- `version` moves with whatever decides about a root: who is merged into it, and what is attached to any of its ids.
-- Who writes that says which version was looked at; the row is also the lock of all that belongs to the root.
alter table person add column version integer not null default 0;

-- Why persons are one stands in identity_link; the alias only says whose id holds. Neither refers to person: both are
-- written while its rows are locked, no person is ever deleted, and a merge is spared four look-ups.
alter table person_alias drop column reason, drop column merged_at;
alter table person_alias drop constraint person_alias_brand_id_person_id_fkey;
alter table person_alias drop constraint person_alias_brand_id_root_id_fkey;

-- The order in which links were made and undone. Steps of one root follow each other, as its row is locked by then.
create sequence identity_step;

-- What makes two persons one: for ever, with what showed it. A root and its aliases are what the standing links connect,
-- and the lowest person number of it is the root. `one_id` and `other_id` are the ids that the two identifiers hang on,
-- never the roots of the moment, so that undoing another link leaves this one true.
create table identity_link (
  brand_id        integer     not null,
  link_id         uuid        not null,
  step            bigint      not null default nextval('identity_step'),
  one_id          uuid        not null,
  other_id        uuid        not null check (other_id <> one_id),
  cause           text        not null check (cause in ('rule', 'case', 'hand')),
  one_kind        text,
  one_namespace   text,
  one_value       text,
  other_kind      text,
  other_namespace text,
  other_value     text,
  case_id         uuid,
  source          text        not null,
  reason          text        not null,
  by_kind         text        not null,
  by_id           uuid        not null,
  made_at         timestamptz not null,
  undone_step     bigint,
  undone_reason   text,
  undone_by_kind  text,
  undone_by_id    uuid,
  undone_at       timestamptz,
  primary key (brand_id, link_id),
  check ((undone_at is null) = (undone_step is null)),
  foreign key (brand_id, one_id) references person (brand_id, person_id),
  foreign key (brand_id, other_id) references person (brand_id, person_id)
);
create index identity_link_step on identity_link (brand_id, step);
create index identity_link_of_one on identity_link (brand_id, one_id);
create index identity_link_of_other on identity_link (brand_id, other_id);
create index identity_link_by_one on identity_link (brand_id, one_kind, one_namespace, one_value, made_at);
create index identity_link_by_other on identity_link (brand_id, other_kind, other_namespace, other_value, made_at);

-- Values that mean nobody: a shop's own phone, a test card. They neither attach, resolve nor merge.
create table identity_block (
  brand_id   integer     not null,
  kind       text        not null,
  namespace  text        not null default '',
  value      text        not null check (value <> ''),
  block_id   uuid        not null,
  reason     text        not null,
  by_kind    text        not null,
  by_id      uuid        not null,
  blocked_at timestamptz not null,
  primary key (brand_id, kind, namespace, value),
  unique (brand_id, block_id)
);

-- What the rules would not do by themselves, for somebody to decide: a merge, or, without `other_id`, an attachment.
-- Found again it is counted; dismissed it stays dismissed.
create table identity_case (
  brand_id       integer     not null,
  case_id        uuid        not null,
  person_id      uuid        not null,
  other_id       uuid,
  why            text        not null check (why in ('identifiers', 'persons', 'links', 'parted')),
  kind           text        not null,
  namespace      text        not null,
  value          text        not null,
  with_kind      text        not null,
  with_namespace text        not null,
  with_value     text        not null,
  source         text        not null,
  state          text        not null default 'open' check (state in ('open', 'accepted', 'dismissed')),
  opened_at      timestamptz not null,
  last_seen_at   timestamptz not null,
  times          integer     not null default 1 check (times > 0),
  closed_at      timestamptz,
  closed_by_kind text,
  closed_by_id   uuid,
  closed_reason  text,
  primary key (brand_id, case_id),
  unique nulls not distinct (brand_id, person_id, other_id, kind, namespace, value),
  check ((state = 'open') = (closed_at is null)),
  foreign key (brand_id, person_id) references person (brand_id, person_id),
  foreign key (brand_id, other_id) references person (brand_id, person_id)
);
create index identity_case_of_other on identity_case (brand_id, other_id);
create index identity_case_in_state on identity_case (brand_id, state, opened_at, case_id);
