-- Catalogue: tax classes, categories and their attributes, products, skus, barcodes, search.

create table tax_class (
  brand_id        integer not null,
  code            text    not null check (code <> ''),
  name_zh         text    not null,
  name_en         text    not null,
  rate_millionths bigint  not null check (rate_millionths between 0 and 1000000),
  inclusive       boolean not null,
  primary key (brand_id, code)
);

create table category (
  brand_id    integer not null,
  category_id uuid    not null,
  parent_id   uuid,
  path        uuid[]  not null,  -- from the root down to itself
  code        text    not null check (code <> ''),
  name_zh     text    not null,
  name_en     text    not null,
  rank        integer not null default 0,
  primary key (brand_id, category_id),
  unique (brand_id, code),
  foreign key (brand_id, parent_id) references category (brand_id, category_id),
  check (cardinality(path) between 1 and 8 and path[cardinality(path)] = category_id),
  check (parent_id is not distinct from path[cardinality(path) - 1])
);
create index category_of_parent on category (brand_id, parent_id);

create table attribute_definition (
  brand_id    integer not null,
  category_id uuid    not null,
  code        text    not null check (code <> ''),
  kind        text    not null check (kind in ('text', 'number', 'boolean', 'choice')),
  name_zh     text    not null,
  name_en     text    not null,
  choices     text[]  not null default '{}',
  required    boolean not null default false,
  primary key (brand_id, category_id, code),
  foreign key (brand_id, category_id) references category (brand_id, category_id)
);

-- No foreign keys from here on: their checks keep the plan of a session's first rows, which in a bulk load into empty
-- tables reads the whole table for each row (20,000 skus timed out). The inserts join what they refer to, products and
-- skus are never deleted, and `checks` proves it.
-- What checkout needs of category and tax class is copied here, so that an offer is one join; `checks` proves the copies.
create table product (
  brand_id            integer     not null,
  product_id          uuid        not null,
  code                text        not null check (code <> ''),
  name_zh             text        not null,
  name_en             text        not null,
  description_zh      text        not null default '',
  description_en      text        not null default '',
  category_id         uuid        not null,
  category_path       uuid[]      not null,
  trademark           text        not null default '',
  options             jsonb       not null default '[]',
  attributes          jsonb       not null default '{}',
  tags                text[]      not null default '{}',
  media               jsonb       not null default '[]',
  tax_class           text        not null,
  tax_rate_millionths bigint      not null,
  tax_inclusive       boolean     not null,
  state               text        not null check (state in ('draft', 'live', 'retired')),
  version             integer     not null default 1,
  name_keys           text[]      not null,  -- names and code as search compares them
  name_length         integer     not null,
  search              tsvector    not null,  -- made by lexemes.py; also holds brand, category, trademark, tag, attribute
  changed_at          timestamptz not null,
  published_at        timestamptz,
  primary key (brand_id, product_id),
  unique (brand_id, code)
);
-- A short pending list: every search reads all of it, and 4 MB (the default) made the narrowest one 100 times slower.
create index product_search on product using gin (search) with (gin_pending_list_limit = 64);
create index product_by_state on product (brand_id, state, product_id);
create index product_by_change on product (brand_id, changed_at, product_id);
create index product_of_tax_class on product (brand_id, tax_class);

create table sku (
  brand_id        integer not null,
  sku_id          uuid    not null,
  product_id      uuid    not null,
  code            text    not null check (code <> ''),
  options         jsonb   not null default '{}',
  options_text_zh text    not null default '',
  options_text_en text    not null default '',
  unit            text    not null check (
    unit in ('piece', 'gram', 'kilogram', 'jin', 'ounce', 'pound', 'millilitre', 'litre', 'gallon', 'metre')
  ),
  milli_step      bigint  not null check (milli_step > 0),
  state           text    not null check (state in ('draft', 'live', 'retired')),
  rank            integer not null default 0,
  primary key (brand_id, sku_id),
  unique (brand_id, code),
  check (unit <> 'piece' or milli_step % 1000 = 0)
);
create index sku_of_product on sku (brand_id, product_id);
create unique index sku_options on sku (brand_id, product_id, options) where state <> 'retired';

create table barcode (
  brand_id integer not null,
  space    text    not null check (space in ('gtin', 'store')),
  key      text    not null,  -- a GTIN with 14 digits, or the store's own code
  sku_id   uuid    not null,
  kind     text    not null check (kind in ('ean13', 'ean8', 'upca', 'gtin14', 'store')),
  code     text    not null,  -- as printed
  milli    bigint  not null default 1000 check (milli > 0),  -- how much of the sku one scan is
  primary key (brand_id, space, key),
  check ((kind = 'store') = (space = 'store')),
  check (space = 'store' or key ~ '^[0-9]{14}$')
);
create index barcode_of_sku on barcode (brand_id, sku_id);
