-- Pricing: a store's own price within its band.
select 1;
