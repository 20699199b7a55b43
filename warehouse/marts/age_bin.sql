-- A scalar macro: age_bin(seconds) is the number of the bin of an age, each bin 4% longer than the one before; see
-- accepted_lists.
--
-- seconds: the age; below 0 counts as 0, and so does NULL
create or replace macro age_bin(seconds) as (floor(16 * log2(1 + greatest(seconds::double, 0)))::smallint);
