-- Payments: several of one order, statements of providers, several payees.

-- True where the order has other payments besides: who books one of them looks at the others.
alter table payment add column split boolean not null default false;
