-- Orders: who collects what is due.

-- Null: the brand collects all. Else whose account takes how much for which parts, and why: frozen at placing.
alter table sales_order add column collecting jsonb;
