-- Organisation: brands, units, stores, operators, staff, guides.
select 1;
