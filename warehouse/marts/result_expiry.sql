-- One row per task that succeeded with a result link that expires, as of now: result_expiry_at(now()). Which videos
-- have to be downloaded before their link stops working?
--
-- source: which gateway the task belongs to
-- task_id: the task
-- action: what the task does
-- finish_time: when it ended
-- result_url: the link, as it came
-- expires_at: when it stops working, by its own signature (see url_expires_at)
-- seconds_left: from now to expires_at; negative once it has stopped working
-- is_expired: whether it has stopped working
create or replace view result_expiry as
from result_expiry_at(now());
