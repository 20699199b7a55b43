-- One row per share of tasks, 0.5 and 0.9: how long until this share of the cohort has succeeded.
--
-- share: the share of all tasks
-- seconds: the first time at which p_success in outcome_incidence is that share or more; NULL if it is not reached
create view outcome_at as
select
    shares.share,
    min(t_seconds) filter (where p_success >= share - 1e-9) as seconds,
from (select unnest([0.5, 0.9]::double[]) as share) as shares
left join pooled.outcome_curve on true
group by shares.share
order by shares.share;
