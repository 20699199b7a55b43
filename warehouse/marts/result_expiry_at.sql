-- One row per task that succeeded with a result link that expires, as of an instant: result_expiry_at(moment). Which
-- videos have to be downloaded before their link stops working?
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- finish_time: when it ended
-- result_url: the link, as it came
-- expires_at: when it stops working, by its own signature (see url_expires_at)
-- seconds_left: from moment to expires_at; negative once it has stopped working
-- is_expired: whether it has stopped working
create or replace macro result_expiry_at(moment) as table
select
    source,
    task_id,
    action,
    finish_time,
    result_url,
    result_expires_at as expires_at,
    epoch(result_expires_at) - epoch(moment::timestamptz) as seconds_left,
    result_expires_at <= moment::timestamptz as is_expired,
from tasks
where status = 'SUCCESS' and result_expires_at is not null and not identity_conflict;
