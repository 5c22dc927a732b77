-- Policies: what the brand, a region, an operator or a store has chosen. What nobody chose is as the code has it.
create table policy (
  brand_id   integer     not null,
  code       text        not null check (code ~ '^[a-z][a-z_]{0,59}$'),
  level      text        not null check (level in ('brand', 'unit', 'operator', 'store')),
  holder_id  uuid        not null,  -- of a brand: its root unit
  settings   jsonb       not null,
  version    integer     not null default 1,
  changed_at timestamptz not null,
  primary key (brand_id, code, level, holder_id)
);

-- A brand that is there for trying out: its data can be wiped, and its money is play money.
alter table brand add column sandbox boolean not null default false;
