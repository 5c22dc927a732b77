-- Payments: shifts and cash.
select 1;
