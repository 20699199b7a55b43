-- A scalar macro: plain_id(id) is an id in lower case and without the prefix task_: two ids are the same if their plain
-- ids are equal.
--
-- id: the id as it came; NULL gives NULL
create or replace macro plain_id(id) as (
    case
        when starts_with(lower(trim(id, e' \t\r\n')), 'task_') then substr(lower(trim(id, e' \t\r\n')), 6)
        else lower(trim(id, e' \t\r\n'))
    end
);
