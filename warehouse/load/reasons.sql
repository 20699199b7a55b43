-- The reasons of all failures, including those in answers that do not count: one row per reason.
select fail_reason from tasks where status = 'FAILURE'
union
select fail_reason from competing_answers where status = 'FAILURE';
