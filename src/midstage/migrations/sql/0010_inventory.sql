-- Inventory: stock, movements, reservations.
select 1;
