-- Runs are written once, at their end; their segment may be loaded twice, as after merging copies of archives.
merge into runs as old
using (select distinct on (run_id) * from new_runs order by all) as new
on old.run_id = new.run_id
when not matched then insert by name;
