-- Of what a line consists where it is a bundle: sku, part of the order, quantity, and its share of the line's total.
alter table order_line add column parts jsonb not null default '[]';

-- Orders: held sales, offline sales, leave codes.
select 1;
