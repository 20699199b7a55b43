-- Runs are written once, at their end.
merge into runs as old
using new_runs as new
on old.run_id = new.run_id
when not matched then insert by name;
