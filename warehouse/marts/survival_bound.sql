-- A scalar macro: survival_bound(survival, greenwood, z) is an end of the interval of a survival curve on the log-log
-- scale: survival ^ exp(z * sqrt(greenwood) / ln(survival)); survival itself if that is 1 or 0. Kalbfleisch and
-- Prentice, The Statistical Analysis of Failure Time Data, 1.4.
--
-- survival: the estimate
-- greenwood: Greenwood's variance of its logarithm
-- z: -1.96 for the lower end of a 95% interval, 1.96 for the upper
create or replace macro survival_bound(survival, greenwood, z) as (
    case
        when survival::double in (0, 1) then survival::double
        else pow(survival::double, exp(z::double * sqrt(greenwood::double) / ln(nullif(survival::double, 0))))
    end
);
