-- Identity: persons and identifiers.
select 1;
