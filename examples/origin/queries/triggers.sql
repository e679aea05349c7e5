-- How often each rule fired, for how many visitors, and how many of those completed an order afterwards; beside them those
-- who were held out from it. $1 is the site, $2 the days.
WITH fired AS (
  SELECT name AS rule, visitor, kind = 'trigger_held_out' AS held_out, count(*) AS times,
         min(at) AS first_at, min(seq) AS first_seq
  FROM records
  WHERE site = $1 AND at > now() - make_interval(days => $2) AND kind IN ('trigger_fired', 'trigger_held_out')
  GROUP BY name, visitor, kind
)
SELECT rule,
       held_out,
       sum(times)::int AS times,
       count(*)::int AS visitors,
       (count(*) FILTER (WHERE EXISTS (
         SELECT 1 FROM records AS ordered
         WHERE ordered.site = $1 AND ordered.visitor = fired.visitor AND ordered.kind = 'event'
           AND ordered.name = 'order_completed'
           -- What came in one batch has one time, and is in the order of its numbers.
           AND (ordered.at > fired.first_at OR ordered.at = fired.first_at AND ordered.seq > fired.first_seq))))::int AS ordered_after
FROM fired
GROUP BY rule, held_out
ORDER BY times DESC, rule, held_out;
