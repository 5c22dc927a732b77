-- Catalogue: bundles and listing.
select 1;
