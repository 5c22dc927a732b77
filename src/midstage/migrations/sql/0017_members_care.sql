-- Members: the pool, activation, handing over, personal data requests.
select 1;
