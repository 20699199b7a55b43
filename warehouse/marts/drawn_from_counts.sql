-- A scalar macro: drawn_from_counts(ended, expected) is how a list was drawn of which so many tasks had ended when it was
-- accepted, and so many would have, had it been drawn without regard to how they stood: running, all, or NULL where the
-- counts do not tell. See accepted_lists for the rule and its source.
--
-- ended: tasks that had ended
-- expected: how many would have; NULL where that is not known
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
