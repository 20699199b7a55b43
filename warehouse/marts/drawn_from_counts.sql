-- A scalar macro: drawn_from_counts(ended, expected) says how a list was drawn: running, all, or NULL if the counts do
-- not show it. See accepted_lists for the rule and its source.
--
-- ended: tasks that had ended when the list was accepted
-- expected: how many would have ended if tasks had been selected regardless of their status; NULL if that is not known
create or replace macro drawn_from_counts(ended, expected) as (
    case
        when ended::double >= 3
            and coalesce(
                ended::double >= expected::double
                or expected::double - ended::double
                    + ended::double * ln(nullif(ended::double, 0) / nullif(expected::double, 0)) < ln(20),
                true
            )
        then 'all'
        when ended::double <= expected::double / 10
            and expected::double - ended::double
                + coalesce(ended::double * ln(nullif(ended::double, 0) / nullif(expected::double, 0)), 0) >= ln(1000)
        then 'running'
    end
);
