-- Carts with something in them that nobody has touched for some time, the dearest first. What is in a cart is what the
-- engine has in it, as far as the days of the report go back: what was added since the whole cart was last said, less what
-- was removed. Other than in the engine every order empties the cart, also one that only a browser reports, and no cart is
-- too full. $1 is the site, $2 the days, $3 the minutes without a sign of life.
WITH events AS (
  SELECT visitor, at, seq, name, jsonb_strip_nulls(coalesce(data -> 'properties', '{}')) AS said,
         max(at) OVER (PARTITION BY visitor) AS last_at
  FROM records
  WHERE site = $1 AND at > now() - make_interval(days => $2) AND kind = 'event'
),
-- What bears on the cart, in its order, with the products that it names; an order counts once, whoever reports it.
steps AS (
  SELECT visitor, last_at, name, row_number() OVER (PARTITION BY visitor ORDER BY at, seq) AS step,
         CASE
           WHEN name = 'cart_cleared' THEN '[]'
           WHEN name = 'order_completed' THEN
             CASE row_number() OVER (PARTITION BY visitor, name, coalesce(said ->> 'order_id', said ->> 'transaction_id', seq::text)
                                     ORDER BY at, seq) WHEN 1 THEN '[]'::jsonb END
           -- A list as of Segment or GA4, one as of Shopify, or the one product that the properties are about.
           ELSE coalesce(said -> 'products', said -> 'items', said #> '{data,checkout,lineItems}', said #> '{data,cart,lines}',
                         said #> '{data,cartLine}',
                         CASE WHEN said ?| '{sku,product_id,productId,item_id,variant_id,id}' THEN said END)
         END AS products
  FROM events
  WHERE name IN ('product_added', 'product_removed', 'cart_viewed', 'checkout_started', 'cart_cleared', 'order_completed')
),
-- From the last word on the whole cart on: besides orders and clearings, a cart or a checkout that is shown with its products.
since AS (
  SELECT *, coalesce(max(step) FILTER (WHERE name NOT IN ('product_added', 'product_removed') AND products IS NOT NULL)
                     OVER (PARTITION BY visitor), 0) AS first
  FROM steps
),
changes AS (
  SELECT visitor, last_at, step, name <> 'product_removed' AS added,
         (SELECT product ->> key
          FROM unnest('{sku,product_id,productId,item_id,variant_id,id,name,item_name,title}'::text[]) WITH ORDINALITY AS keys (key, place)
          WHERE product ->> key <> '' ORDER BY place LIMIT 1) AS sku,
         substring(line ->> 'quantity' FROM '^[0-9]{1,9}$')::numeric AS quantity,
         substring(coalesce(product #>> '{price,amount}', product ->> 'price') FROM '^[0-9]{1,12}(?:[.][0-9]{1,9})?$')::numeric AS price
  FROM since,
       jsonb_path_query(products, '$[*]') AS line,
       coalesce(line -> 'merchandise', line -> 'variant', line) AS product
  WHERE step >= first
),
-- Who adds and says no quantity adds one; who removes and says none removes the line. The balance may fall below nothing,
-- and then the cart has what was added since it was lowest.
balances AS (
  SELECT *, sum(CASE WHEN added THEN coalesce(quantity, 1) ELSE -coalesce(quantity, 1e9) END)
            OVER (PARTITION BY visitor, sku ORDER BY step) AS balance
  FROM changes
  WHERE sku IS NOT NULL
),
lines AS (
  SELECT visitor, sku, max(last_at) AS last_at,
         (array_agg(balance ORDER BY step DESC))[1] - least(min(balance), 0) AS quantity,
         coalesce((array_agg(price ORDER BY step DESC) FILTER (WHERE added AND price IS NOT NULL))[1], 0) AS price
  FROM balances
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
