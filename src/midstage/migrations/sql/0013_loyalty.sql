-- Loyalty: what a member has bought so far. A projection of orders' facts; it can be forgotten and read anew.

create table member_standing (
  brand_id        integer     not null,
  member_id       uuid        not null,
  orders          integer     not null check (orders >= 0),
  bought_milli    bigint      not null check (bought_milli >= 0),
  returned_milli  bigint      not null check (returned_milli >= 0),
  first_bought_at timestamptz,
  last_bought_at  timestamptz,
  primary key (brand_id, member_id)
) with (fillfactor = 70);

create table member_spent (
  brand_id       integer not null,
  member_id      uuid    not null,
  currency       text    not null check (currency ~ '^[A-Z]{3}$'),
  paid_minor     bigint  not null check (paid_minor >= 0),
  refunded_minor bigint  not null check (refunded_minor >= 0),
  primary key (brand_id, member_id, currency)
) with (fillfactor = 70);
