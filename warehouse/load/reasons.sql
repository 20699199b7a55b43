-- The reasons of all failures, those of answers included that do not count: one row per reason.
select fail_reason from tasks where status = 'FAILURE'
union
select fail_reason from competing_answers where status = 'FAILURE';
