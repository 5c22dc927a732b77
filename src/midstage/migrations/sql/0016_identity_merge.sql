-- Identity: limits, blocks, quarantine, merges.
select 1;
