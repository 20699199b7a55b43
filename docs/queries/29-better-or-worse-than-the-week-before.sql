-- Is it better or worse than the week before?
-- Asked by: product owner.
with newest as (select max(submit_time) as t1, t1 - interval 7 days as middle, t1 - interval 14 days as t0 from tasks)

select metric, n_a, n_b, a, b, difference, difference_low, difference_high, is_clear,
from period_comparison(
    (select t0 from newest), (select middle from newest), (select middle from newest), (select t1 from newest)
)
where is_total;
