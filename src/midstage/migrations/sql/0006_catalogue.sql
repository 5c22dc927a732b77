-- Catalogue: products, skus, categories, search.
select 1;
