-- Members: the history of bindings, the pool, handing over, activation, personal data requests.

alter table member
  add column last_bought_at timestamptz,
  add column erased_at      timestamptz;

-- When a binding ended, and when the member was last served by those whom it names (null: not since it began).
alter table member_binding
  add column until_at  timestamptz,
  add column served_at timestamptz;

-- Two of one moment, or of a clock that went back, are put one after the other in the order in which they were made.
with placed as (
  select brand_id, binding_id, member_id,
         max(since) over made + (row_number() over made - 1) * interval '1 microsecond' as since
    from member_binding window made as (partition by brand_id, member_id order by binding_id)
), chained as (
  select brand_id, binding_id, since, lead(since) over (partition by brand_id, member_id order by since) as until_at
    from placed
)
update member_binding bound set since = chained.since, until_at = chained.until_at
  from chained where bound.brand_id = chained.brand_id and bound.binding_id = chained.binding_id;

-- The history of a member has no gap and no overlap: one binding is open, and every other ends where one begins, no two
-- at the same moment. (Each leads forward to the next, and the last of them all is the one that is open.)
alter table member_binding drop constraint member_binding_pkey;
drop index member_binding_of_member;
alter table member_binding
  add primary key (brand_id, member_id, since),
  add constraint member_binding_one_after_another unique nulls not distinct (brand_id, member_id, until_at),
  add constraint member_binding_no_gap foreign key (brand_id, member_id, until_at)
      references member_binding (brand_id, member_id, since),
  add constraint member_binding_forward check (until_at > since);
create index member_binding_idle on member_binding (brand_id, (coalesce(served_at, since))) where until_at is null;

-- Who served a member, where and when: what the rules of binding look at. Kept as long as a rule may look back.
create table member_touch (
  brand_id      integer     not null,
  member_id     uuid        not null,
  touch_id      uuid        not null,  -- the order, scan or visit that it was, so that it counts once
  kind          text        not null check (kind in ('purchase', 'service', 'scan', 'visit')),
  store_id      uuid        not null,
  guide_id      uuid,
  touchpoint_id uuid,
  touched_at    timestamptz not null,
  primary key (brand_id, member_id, touch_id)
);
create index member_touch_age on member_touch (brand_id, touched_at);

-- What becomes of the customers of a guide who left or moved; done in batches, each with its figure.
create table member_handover (
  brand_id      integer     not null,
  handover_id   uuid        not null,
  guide_id      uuid        not null,
  cause         text        not null check (cause in ('left', 'moved')),
  plan          text        not null check (plan in ('heir', 'spread', 'go')),
  from_store_id uuid        not null,
  to_store_id   uuid,
  heir_id       uuid,
  moved         integer     not null default 0 check (moved >= 0),
  begun_at      timestamptz not null,
  ended_at      timestamptz,
  primary key (brand_id, handover_id),
  check ((plan = 'heir') = (heir_id is not null)),
  check ((plan = 'go') = (to_store_id is not null))
);
create index member_handover_open on member_handover (brand_id, guide_id, begun_at) where ended_at is null;
create index member_handover_list on member_handover (brand_id, begun_at, handover_id);

-- Members of an old system who have not come yet (沉睡会员). Phone and name go when they are activated.
create table dormant_member (
  brand_id     integer     not null,
  dormant_id   uuid        not null,
  old_no       text        check (length(old_no) between 1 and 100),
  phone        text,
  name         text,
  level        text        not null,
  points       bigint      not null check (points between 0 and 1000000000000),
  store_id     uuid        not null,
  state        text        not null default 'dormant' check (state in ('dormant', 'activated')),
  imported_at  timestamptz not null,
  activated_at timestamptz,
  activated_on date,
  member_id    uuid,
  primary key (brand_id, dormant_id),
  unique (brand_id, old_no),
  check (num_nulls(activated_at, activated_on, member_id) = case state when 'dormant' then 3 else 0 end),
  check ((state = 'dormant') = (phone is not null))
);
create index dormant_member_of_phone on dormant_member (brand_id, phone) where state = 'dormant';
create index dormant_member_list on dormant_member (brand_id, imported_at, dormant_id);
create index dormant_member_of_store on dormant_member (brand_id, store_id, activated_on);
create index dormant_member_of_member on dormant_member (brand_id, member_id) where member_id is not null;

-- Who wants to have or to lose personal data, and what came of it. It holds ids and figures itself.
create table privacy_request (
  brand_id   integer     not null,
  request_id uuid        not null,
  kind       text        not null check (kind in ('export', 'erasure')),
  member_id  uuid        not null,
  person_id  uuid        not null,
  store_id   uuid        not null,
  state      text        not null check (state in ('cooling', 'waiting', 'done', 'called_off')),
  asked_kind text        not null,
  asked_by   uuid        not null,
  asked_at   timestamptz not null,
  begins_at  timestamptz not null,  -- until then it can be called off
  due_at     timestamptz not null,
  ended_at   timestamptz,
  expires_at timestamptz,           -- of the file of an export
  file_bytes bigint,
  proof      jsonb       not null default '{}',
  primary key (brand_id, request_id),
  check ((state in ('done', 'called_off')) = (ended_at is not null))
);
create unique index privacy_request_open on privacy_request (brand_id, member_id, kind)
  where state in ('cooling', 'waiting');
create index privacy_request_due on privacy_request (brand_id, begins_at) where state in ('cooling', 'waiting');
create index privacy_request_list on privacy_request (brand_id, asked_at, request_id);
create index privacy_request_of_member on privacy_request (brand_id, member_id, asked_at);

-- Codes on a member's phone that have paid for something: none does it twice. Rows go with the day.
create table member_code_used (
  brand_id  integer     not null,
  code_hash bytea       not null,
  member_id uuid        not null,
  used_at   timestamptz not null,
  primary key (brand_id, code_hash)
);
create index member_code_used_at on member_code_used (brand_id, used_at);
