-- A scalar macro: finite_or_null(x) is x, or NULL when it is infinite or not a number.
--
-- x: a number
create or replace macro finite_or_null(x) as (if(isfinite(x), x, null));
