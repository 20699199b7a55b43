-- Whether any answer, or the work in it, ever came under another id than the one polled: in an earlier load (see
-- `other_ids_seen`), or among `new_observations` of this one.
update other_ids_seen
set has_any = true
where exists (from new_observations where answered_id is not null or answered_work_id is not null);

select has_any from other_ids_seen;
