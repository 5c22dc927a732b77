-- Organisation: brands, units, operators, stores, staff, guides, touchpoints, platform accounts.

create sequence brand_number as integer;

create table brand (
  brand_id              integer     primary key,
  code                  text        not null unique check (code ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
  name                  text        not null check (name <> ''),
  currency              text        not null check (currency ~ '^[A-Z]{3}$'),
  zone                  text        not null,
  day_starts_minute     integer     not null check (day_starts_minute between 0 and 1439),
  phone_prefix          text        not null check (phone_prefix ~ '^\+[1-9][0-9]{0,3}$'),
  root_unit_id          uuid        not null,
  own_operator_id       uuid        not null,
  virtual_store_id      uuid        not null,
  virtual_guide_id      uuid        not null,
  virtual_touchpoint_id uuid        not null,
  version               integer     not null default 1,
  created_at            timestamptz not null
);

-- path holds every ancestor from the root down to the unit itself.
create table unit (
  brand_id  integer not null,
  unit_id   uuid    not null,
  parent_id uuid,
  code      text    not null check (code <> ''),
  name      text    not null check (name <> ''),
  kind      text    not null check (kind in ('brand', 'group', 'region', 'city', 'area')),
  path      uuid[]  not null check (cardinality(path) between 1 and 32 and path[cardinality(path)] = unit_id),
  state     text    not null default 'open' check (state in ('open', 'closed')),
  version   integer not null default 1,
  primary key (brand_id, unit_id),
  unique (brand_id, code),
  foreign key (brand_id, parent_id) references unit,
  check ((parent_id is null) = (kind = 'brand'))
);
create unique index unit_root on unit (brand_id) where parent_id is null;

create table operator (
  brand_id           integer not null,
  operator_id        uuid    not null,
  code               text    not null check (code <> ''),
  name               text    not null check (name <> ''),
  kind               text    not null check (kind in ('brand', 'agent', 'franchisee')),
  contract_number    text,
  contract_starts_on date,
  contract_ends_on   date,
  invoice_title      text,
  tax_number         text,
  invoice_address    text,
  payee_id           uuid,
  state              text    not null default 'open' check (state in ('open', 'closed')),
  version            integer not null default 1,
  primary key (brand_id, operator_id),
  unique (brand_id, code),
  check (contract_ends_on is null or contract_ends_on >= contract_starts_on),
  check ((contract_number is null) = (contract_starts_on is null)),
  check ((invoice_title is null) = (tax_number is null))
);
create unique index operator_of_brand on operator (brand_id) where kind = 'brand';

-- Who collects for an operator. A new one replaces, never rewrites: old payments keep the payee they went to.
create table payee (
  brand_id       integer     not null,
  payee_id       uuid        not null,
  operator_id    uuid        not null,
  holder         text        not null check (holder <> ''),
  provider       text        not null check (provider <> ''),
  account_number text        not null check (account_number <> ''),
  since_at       timestamptz not null,
  primary key (brand_id, payee_id),
  foreign key (brand_id, operator_id) references operator
);
create index payee_of_operator on payee (brand_id, operator_id, since_at);

create table store (
  brand_id    integer not null,
  store_id    uuid    not null,
  code        text    not null check (code <> ''),
  name        text    not null check (name <> ''),
  kind        text    not null
    check (kind in ('direct', 'franchise', 'unmanned', 'kiosk', 'warehouse', 'online', 'virtual')),
  unit_id     uuid    not null,
  operator_id uuid    not null,
  currency    text    not null check (currency ~ '^[A-Z]{3}$'),
  area_m2     integer check (area_m2 > 0),
  lat         double precision check (lat between -90 and 90),
  lng         double precision check (lng between -180 and 180),
  address     text    not null default '',
  hours       jsonb,
  state       text    not null default 'open' check (state in ('open', 'paused', 'closed')),
  version     integer not null default 1,
  primary key (brand_id, store_id),
  unique (brand_id, code),
  foreign key (brand_id, unit_id) references unit,
  foreign key (brand_id, operator_id) references operator,
  check ((lat is null) = (lng is null))
);
create unique index store_virtual on store (brand_id) where kind = 'virtual';
create index store_of_unit on store (brand_id, unit_id);
create index store_of_operator on store (brand_id, operator_id);

create table staff (
  brand_id    integer     not null,
  staff_id    uuid        not null,
  code        text        not null check (code <> ''),
  name        text        not null check (name <> ''),
  phone       text        not null default '',
  operator_id uuid        not null,
  state       text        not null default 'active' check (state in ('active', 'left')),
  joined_at   timestamptz not null,
  left_at     timestamptz,
  version     integer     not null default 1,
  primary key (brand_id, staff_id),
  unique (brand_id, code),
  foreign key (brand_id, operator_id) references operator,
  check ((state = 'left') = (left_at is not null))
);

create table guide (
  brand_id  integer     not null,
  guide_id  uuid        not null,
  code      text        not null check (code <> ''),
  name      text        not null check (name <> ''),
  staff_id  uuid,
  store_id  uuid        not null,
  state     text        not null default 'active' check (state in ('active', 'left')),
  joined_at timestamptz not null,
  left_at   timestamptz,
  version   integer     not null default 1,
  primary key (brand_id, guide_id),
  unique (brand_id, code),
  foreign key (brand_id, staff_id) references staff,
  foreign key (brand_id, store_id) references store,
  check ((state = 'left') = (left_at is not null))
);
create index guide_of_store on guide (brand_id, store_id);
create unique index guide_of_staff on guide (brand_id, staff_id) where state = 'active';

-- Where a guide was when: the open stay is where she is now.
create table guide_stay (
  brand_id integer     not null,
  guide_id uuid        not null,
  from_at  timestamptz not null,
  until_at timestamptz,
  store_id uuid        not null,
  heir_id  uuid,
  primary key (brand_id, guide_id, from_at),
  foreign key (brand_id, guide_id) references guide,
  foreign key (brand_id, store_id) references store,
  check (until_at >= from_at)
);
create unique index guide_stay_open on guide_stay (brand_id, guide_id) where until_at is null;

create table touchpoint (
  brand_id      integer not null,
  touchpoint_id uuid    not null,
  code          text    not null check (code <> ''),
  name          text    not null check (name <> ''),
  kind          text    not null
    check (kind in ('store_code', 'guide_code', 'link', 'poster', 'screen', 'ad', 'item_code', 'till', 'virtual')),
  store_id      uuid    not null,
  guide_id      uuid    not null,
  state         text    not null default 'open' check (state in ('open', 'closed')),
  version       integer not null default 1,
  primary key (brand_id, touchpoint_id),
  unique (brand_id, code),
  foreign key (brand_id, store_id) references store,
  foreign key (brand_id, guide_id) references guide
);
create unique index touchpoint_virtual on touchpoint (brand_id) where kind = 'virtual';

create table platform_account (
  brand_id            integer not null,
  platform_account_id uuid    not null,
  platform            text    not null
    check (platform in ('wechat_official', 'wechat_mini', 'wechat_video', 'wecom', 'alipay_mini', 'taobao', 'jd',
                        'douyin', 'xiaohongshu', 'other')),
  external_id         text    not null check (external_id <> ''),
  name                text    not null check (name <> ''),
  store_id            uuid    not null,
  staff_id            uuid    not null,
  state               text    not null default 'open' check (state in ('open', 'closed')),
  version             integer not null default 1,
  primary key (brand_id, platform_account_id),
  unique (brand_id, platform, external_id),
  foreign key (brand_id, store_id) references store,
  foreign key (brand_id, staff_id) references staff
);
create index platform_account_of_staff on platform_account (brand_id, staff_id);
