-- Payments: several of one order, statements of providers, several payees.

-- True where the order has other payments besides: who books one of them looks at the others.
alter table payment add column split boolean not null default false;

-- The combined payment (several payees at one cashier) that an attempt was a part of.
alter table payment_attempt add column combined_id uuid;
