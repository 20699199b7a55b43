-- A scalar macro: binomial_tail(successes, trials, chance) is the probability of at least this many successes in this
-- many independent trials that each succeed with this chance: P(X >= successes) for X ~ Binomial(trials, chance), exact
-- except for rounding. Terms are summed outward from the end of the tail that is nearest to the mean, until twelve
-- standard deviations and 200 terms have been added; the omitted terms are below 1e-16 of the sum.
--
-- successes: number of successes
-- trials: number of trials; NULL gives NULL
-- chance: the chance of each, 0 to 1
create or replace macro binomial_tail(successes, trials, chance) as (
    case
        when successes is null or trials is null or chance is null then null
        when successes::bigint <= 0 or chance::double >= 1 and successes::bigint <= trials::bigint then 1.0::double
        when successes::bigint > trials::bigint or chance::double <= 0 then 0.0::double
        -- Above the mean the sum of the terms from `successes` upward; below it, 1 minus the sum of those below `successes`.
        else abs(
            if(successes::bigint > trials::double * chance::double, 0, 1)
            - list_sum([
                exp(
                    lgamma(trials::double + 1) - lgamma(k::double + 1) - lgamma(trials::double - k + 1)
                    + k * ln(nullif(chance::double, 0)) + (trials::double - k) * ln(nullif(1 - chance::double, 0))
                )
                for k in range(
                    if(
                        successes::bigint > trials::double * chance::double,
                        successes::bigint,
                        greatest(0, successes::bigint - 200 - (6 * sqrt(trials::double))::bigint)
                    ),
                    if(
                        successes::bigint > trials::double * chance::double,
                        least(trials::bigint, successes::bigint + 200 + (6 * sqrt(trials::double))::bigint) + 1,
                        successes::bigint
                    )
                )
            ])
        )
    end
);
