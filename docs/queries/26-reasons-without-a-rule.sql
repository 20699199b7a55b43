-- Which reasons does no rule match yet, and what rule would match them?
-- Asked by: SRE.
select tasks, share, example, rule,
from failure_reasons_unmatched
order by tasks desc, fingerprint;
