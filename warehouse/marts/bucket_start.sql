-- A scalar macro: bucket_start(moment, bucket, zone) is the first instant of the bucket of time that contains a moment.
--
-- moment: the moment
-- bucket: 'hour', 'day', 'week' (from Monday) or 'month' of the time zone; a number of seconds counted from 1970-01-01
--   00:00 UTC in any zone; or 'ever', one bucket for all times, which begins at '-infinity'
-- zone: name of the time zone, e.g. 'Asia/Shanghai'. Days are local days: 23 or 25 hours long where clocks change; an
--   hour that clocks repeat is two buckets
create or replace macro bucket_start(moment, bucket, zone) as (
    case
        when bucket::varchar = 'ever' then '-infinity'::timestamptz
        when try_cast(bucket as double) is not null
        then to_timestamp(floor(epoch(moment::timestamptz) / try_cast(bucket as double)) * try_cast(bucket as double))
        when bucket::varchar = 'hour'
        then moment::timestamptz - (
            (moment::timestamptz at time zone zone)
            - date_trunc('hour', moment::timestamptz at time zone zone)
        )
        else date_trunc(
            if(try_cast(bucket as double) is not null or bucket::varchar = 'ever', 'day', bucket::varchar),
            moment::timestamptz at time zone zone
        ) at time zone zone
    end
);
