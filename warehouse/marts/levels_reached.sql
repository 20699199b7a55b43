-- A scalar macro: levels_reached(survival) is the number of shares among 0.5, 0.1, 0.05 and 0.01 (those of the
-- quantiles in latency_quantiles) to which a survival has fallen.
--
-- survival: the survival, or an end of its interval; NULL gives 0
create or replace macro levels_reached(survival) as (
    coalesce(
        (survival::double <= 0.5 + 1e-9)::integer
        + (survival::double <= 0.1 + 1e-9)::integer
        + (survival::double <= 0.05 + 1e-9)::integer
        + (survival::double <= 0.01 + 1e-9)::integer,
        0
    )
);
