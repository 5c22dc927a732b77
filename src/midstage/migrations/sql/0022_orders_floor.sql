-- Orders: held sales, offline sales, leave codes.
select 1;
