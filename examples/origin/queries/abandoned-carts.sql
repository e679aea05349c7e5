-- Carts with something in them that nobody has touched for some time, the dearest first. What is in a cart is what was
-- added since the last order, less what was removed. $1 is the site, $2 the days, $3 the minutes without a sign of life.
WITH steps AS (
  SELECT visitor, at, name,
         coalesce(data #>> '{properties,sku}', data #>> '{properties,product_id}') AS sku,
         -- What is no number counts as none was said.
         coalesce(substring(data #>> '{properties,quantity}' FROM '^[0-9]{1,9}$')::numeric, 1) AS quantity,
         coalesce(substring(data #>> '{properties,price}' FROM '^[0-9]{1,12}(?:[.][0-9]{1,9})?$')::numeric, 0) AS price,
         max(at) FILTER (WHERE name = 'order_completed') OVER (PARTITION BY visitor) AS ordered_at,
         max(at) OVER (PARTITION BY visitor) AS last_at
  FROM records
  WHERE site = $1 AND at > now() - make_interval(days => $2) AND kind = 'event'
),
lines AS (
  SELECT visitor, sku, max(price) AS price, max(last_at) AS last_at,
         sum(CASE name WHEN 'product_added' THEN quantity ELSE -quantity END) AS quantity
  FROM steps
  WHERE name IN ('product_added', 'product_removed') AND (ordered_at IS NULL OR at > ordered_at)
  GROUP BY visitor, sku
)
SELECT visitor,
       max(last_at) AS last_seen,
       sum(quantity)::float AS items,
       sum(quantity * price)::float AS value,
       json_agg(json_build_object('sku', sku, 'quantity', quantity) ORDER BY sku) AS products
FROM lines
WHERE quantity > 0
GROUP BY visitor
HAVING max(last_at) < now() - make_interval(mins => $3)
ORDER BY value DESC, visitor
LIMIT 100;
