-- Orders: leave passes (离店码). Who scanned and paid by herself shows a code at the door; it opens once.

create table leave_pass (
  brand_id    integer     not null,
  order_id    uuid        not null,
  store_id    uuid        not null,
  code_hash   bytea       not null,
  issued_at   timestamptz not null,
  expires_at  timestamptz not null,
  to_check    boolean     not null,  -- decided once, when the first code was shown: asking again changes nothing
  state       text        not null default 'shown' check (state in ('shown', 'checking', 'left')),
  opened_at   timestamptz,
  opened_by   uuid,
  checked_at  timestamptz,
  checked_by  uuid,
  check_ok    boolean,
  note        text        not null default '',
  primary key (brand_id, order_id),
  check ((state = 'shown') = (opened_at is null)),
  check ((checked_at is null) = (check_ok is null))
);
create unique index leave_pass_code on leave_pass (brand_id, code_hash);
create index leave_pass_checking on leave_pass (brand_id, opened_at) where state = 'checking';
