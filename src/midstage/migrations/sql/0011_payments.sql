-- Payments: payments, refunds, callbacks.
select 1;
