-- Jobs: the tables of PgQueuer.
select 1;
