-- Access: credentials, sessions, codes, roles, keys.
select 1;
