-- A scalar macro: is_bucket_partial(ends_at, running, last_observed_at, settle_seconds) tells whether a bucket of time is
-- not over yet, or tasks of it still run that may be waited for: those of a bucket older than settle_seconds are not (see
-- kind_follow_up), so that a task that never ends does not leave it partial for good.
--
-- ends_at: the first instant after the bucket
-- running: tasks of it that run
-- last_observed_at: when the source was last seen
-- settle_seconds: after that time hardly any task of the kind still runs; NULL: not known
create or replace macro is_bucket_partial(ends_at, running, last_observed_at, settle_seconds) as (
    coalesce(
        epoch(ends_at::timestamptz) > epoch(last_observed_at::timestamptz)
        or (
            running::bigint > 0
            and coalesce(
                epoch(last_observed_at::timestamptz) < epoch(ends_at::timestamptz) + settle_seconds::double,
                true
            )
        ),
        true
    )
);
