-- A scalar macro: two_sided_p(z) is the chance that a standard normal variable is as far from 0 as z, or further.
--
-- z: the statistic; NULL gives NULL
--
-- erfc(|z| / sqrt(2)) by the Chebyshev fit of Press et al., Numerical Recipes, 6.2: the relative error is at most
-- 1.2e-7. DuckDB has no error function.
create or replace macro two_sided_p(z) as (
    select
        case
            -- least ignores NULL
            when z is not null then
                least(
                    1,
                    t * exp(
                        -z * z / 2 - 1.26551223 + t * (1.00002368 + t * (0.37409196 + t * (0.09678418
                        + t * (-0.18628806 + t * (0.27886807 + t * (-1.13520398 + t * (1.48851587
                        + t * (-0.82215223 + t * 0.17087277))))))))
                    )
                )
        end
    from (select 1 / (1 + abs(z) / 2.8284271247461903) as t)
);
