-- Which videos have to be downloaded before their link stops working, the most urgent first?
-- Asked by: product owner.
select task_id, action, expires_at, round(seconds_left / 3600, 1) as hours_left, result_url,
from result_expiry
order by is_expired, expires_at
limit 50;
