-- Classify every failure again by the current rules: `new_classes` has one row per fail_reason.
update tasks
set fail_class = new_classes.fail_class, fail_rule = new_classes.fail_rule
from new_classes
where tasks.status = 'FAILURE' and tasks.fail_reason is not distinct from new_classes.fail_reason;

update competing_answers
set fail_class = new_classes.fail_class, fail_rule = new_classes.fail_rule
from new_classes
where competing_answers.status = 'FAILURE' and competing_answers.fail_reason is not distinct from new_classes.fail_reason;
