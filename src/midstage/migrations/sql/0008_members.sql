-- Members: membership, profile, consents.
select 1;
