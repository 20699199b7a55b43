-- Let the winning payloads of this load (`new_works`, one row per task) win over what stands here, or not.
merge into works as old
using new_works as new
on old.source = new.source and old.task_id = new.task_id
when matched and
    row(new.is_terminal, new.observed_at, new.body_hash, new.run_id)
    > row(old.is_terminal, old.observed_at, old.body_hash, old.run_id)
then update by name
when not matched then insert by name;
