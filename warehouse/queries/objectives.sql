-- The state of each objective, in words: one row per objective. If answers are stale, the state is unknown, not good.
--
-- $now: as of when
with burning as (
    select objective, bool_or(is_burning) as is_burning, bool_or(is_stale) as is_stale,
        max(last_observed_at) as last_observed_at,
        string_agg(format('{:.1f} times as fast as it may over {}', burn_rate, if(window_hours = 1, '1 hour', format('{} hours', window_hours))), ' and ' order by window_hours) as rates,
    from slo_burn_at($now)
    group by objective
)

select
    burning.objective,
    concat_ws(
        '; ',
        case
            when burning.is_burning then 'burns: the error budget is used up ' || burning.rates
            when burning.is_stale
            then 'not known: no answer since '
                || coalesce(strftime(make_timestamp(epoch_us(burning.last_observed_at)), '%Y-%m-%d %H:%M UTC'), 'the beginning')
            else 'does not burn'
        end,
        format(
            '{} {:.1f}% of {:,} were good, {:.1f}% should be',
            strftime(make_timestamp(epoch_us(month_start)), 'in %B %Y'),
            100 * attainment,
            total,
            100 * target
        ),
        case
            when budget_left < 0 then 'the month''s error budget is spent'
            else format('{:.0f}% of the month''s error budget is left', 100 * budget_left_share)
        end,
        case will_last when true then 'it will last' when false then if(budget_left < 0, null, 'it will not last') end
    ) as standing,
from burning
left join (
    from slo_monthly_at($now)
    qualify row_number() over (partition by objective order by month_start desc) = 1
) as month on burning.objective = month.objective
order by all;
