-- Payments: statements of providers, several payees.
select 1;
