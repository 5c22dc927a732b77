-- Access: second factors, approvals, reads of personal data.
select 1;
