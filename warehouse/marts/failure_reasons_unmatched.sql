-- One row per kind of failure reason that no rule of failure_rules matches, i.e. per fingerprint of the reason (see
-- failure_fingerprint): how many tasks failed for it, and a rule that would match them, ready for analysis.toml.
-- Failures without any reason are left out: no rule can match those.
--
-- fingerprint: the reason without the parts that differ from task to task
-- tasks: tasks that failed for it
-- share: their share of all failed tasks
-- first_seen_at: when the first of them failed: its finish_time, or, if that is unknown, when it was first seen failed
-- last_seen_at: when the last of them failed
-- example: the reason of the last of them, as it came
-- example_task_id: the task with this reason
-- rule: text for analysis.toml that matches the example, with any word in place of words with a digit. Shorten its
--   pattern to what matters, give it a name, and replace the class unknown by the cause
create or replace view failure_reasons_unmatched as
with reasons as (
    select
        fail_reason,
        fail_rule,
        count(*) as tasks,
        min(coalesce(finish_time, first_terminal_at)) as first_seen_at,
        max(coalesce(finish_time, first_terminal_at)) as last_seen_at,
        max({'at': coalesce(finish_time, first_terminal_at), 'task_id': task_id}) as last_of_them,
    from tasks
    where status = 'FAILURE' and not identity_conflict
    group by all
),

shared as (
    select *, tasks / sum(tasks) over () as share_of_all,
    from reasons
),

fingerprinted as (
    select
        failure_fingerprint(fail_reason) as fingerprint,
        sum(tasks)::bigint as tasks,
        sum(share_of_all) as share,
        min(first_seen_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        arg_max(fail_reason, last_of_them) as example,
        max(last_of_them).task_id as example_task_id,
    from shared
    where fail_rule is null and fail_reason is not null
    group by 1
)

select
    *,
    concat(
        '[[failure_rules]]', chr(10),
        'pattern = ''',
        -- from the innermost call outward: special characters, spaces, characters that a pattern cannot have, words
        -- with a digit
        regexp_replace(
        regexp_replace(
        regexp_replace(
        regexp_replace(
            left(trim(example), 120),
            '([\\.*+?()\[\]{}|^$])', '\\\1', 'g'),
            '\s+', '\\s+', 'g'),
            '[''[:cntrl:]]', '.', 'g'),
            '\b[A-Za-z0-9_]*\d[A-Za-z0-9_]*\b', '\\w+', 'g'),
        '''', chr(10),
        'fail_class = "unknown"', chr(10)
    ) as rule,
from fingerprinted;
