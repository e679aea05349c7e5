-- How many visitors reached each stage, and which part of those who were there at all. $1 is the site, $2 the days.
SELECT name AS stage,
       count(DISTINCT visitor)::int AS visitors,
       round(100.0 * count(DISTINCT visitor) / greatest(max(total.n), 1), 1)::float AS percent
FROM records,
     (SELECT count(DISTINCT visitor) AS n FROM records
      WHERE site = $1 AND at > now() - make_interval(days => $2) AND kind = 'event') AS total
WHERE site = $1 AND at > now() - make_interval(days => $2) AND kind = 'stage_changed'
GROUP BY name
ORDER BY visitors DESC, stage;
