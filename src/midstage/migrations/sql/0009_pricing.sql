-- Pricing: price lists and their resolution.
select 1;
