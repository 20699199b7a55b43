-- A scalar macro: is_bucket_partial(ends_at, running, last_observed_at, settle_seconds) is true if a bucket of time is
-- not over yet, or if some of its tasks still run and the bucket ended less than settle_seconds ago (see
-- kind_follow_up). So a task that never ends does not leave its bucket partial for ever.
--
-- ends_at: the first instant after the bucket
-- running: number of its tasks that still run
-- last_observed_at: when a task of the source was last seen; it is used as the current time
-- settle_seconds: hardly any task of the kind runs longer than this; NULL if not known
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
