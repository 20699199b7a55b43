-- A scalar macro: quantile_at(sorted, q) is the q quantile of a list in ascending order, interpolated as quantile_cont
-- does.
--
-- sorted: list of numbers in ascending order; NULL or empty gives NULL
-- q: 0 to 1; NULL, or a number outside this range, gives NULL
create or replace macro quantile_at(sorted, q) as (
    case
        when q between 0 and 1 then
            sorted[1 + floor(q * (len(sorted) - 1))::bigint]
            + (q * (len(sorted) - 1) - floor(q * (len(sorted) - 1)))
            * (
                sorted[least(len(sorted), 2 + floor(q * (len(sorted) - 1))::bigint)]
                - sorted[1 + floor(q * (len(sorted) - 1))::bigint]
            )
    end
);
