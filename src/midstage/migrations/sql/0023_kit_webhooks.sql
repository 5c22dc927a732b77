-- Kit: webhooks and limits.
select 1;
