-- A scalar macro: bucket_end(start, bucket, zone) is the first instant after a bucket of time.
--
-- start: its first instant, from bucket_start
-- bucket: as in bucket_start
-- zone: name of the time zone
create or replace macro bucket_end(start, bucket, zone) as (
    case
        when bucket::varchar = 'ever' then 'infinity'::timestamptz
        when try_cast(bucket as double) is not null
        then to_timestamp(epoch(start::timestamptz) + try_cast(bucket as double))
        when bucket::varchar = 'hour' then to_timestamp(epoch(start::timestamptz) + 3600)
        else (
            (start::timestamptz at time zone zone) + case bucket::varchar
                when 'day' then to_days(1)
                when 'week' then to_days(7)
                when 'month' then to_months(1)
            end
        ) at time zone zone
    end
);
