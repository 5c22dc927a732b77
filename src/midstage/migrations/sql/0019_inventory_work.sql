-- Inventory: transfers, counts, incoming goods, alarms.
select 1;
