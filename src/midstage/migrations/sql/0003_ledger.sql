-- The ledger: accounts, transfers, holds, lots.
select 1;
