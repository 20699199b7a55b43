-- A scalar macro: incidence_bound(p, variance, z) is an end of the interval of an incidence on the log-log scale:
-- p ^ exp(z * sqrt(variance) / (p * ln(p))); p itself if it is 0 or 1.
--
-- p: the estimate
-- variance: its variance
-- z: -1.96 for the lower end of a 95% interval, 1.96 for the upper
create or replace macro incidence_bound(p, variance, z) as (
    case
        when p::double <= 0 then 0.0::double
        when p::double >= 1 - 1e-12 then p::double
        else pow(
            p::double,
            exp(z::double * sqrt(greatest(variance::double, 0)) / (nullif(p::double, 0) * ln(nullif(p::double, 0))))
        )
    end
);
