-- What happened to the ids we were given?
-- Asked by: everybody.
select source, accepted, ended, quarantined, given_up, pending,
from id_accounting
order by source;
