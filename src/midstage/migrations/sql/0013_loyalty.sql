-- Loyalty: what a member has bought so far.
select 1;
