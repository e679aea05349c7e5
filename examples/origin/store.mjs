// Records in PostgreSQL: each once, however often it is delivered, and nothing of whom we were told to forget.

import { readFileSync } from "node:fs";
import pg from "pg";

const read = (name) => readFileSync(new URL(name, import.meta.url), "utf8");
export const REPORTS = Object.fromEntries(
  ["funnel", "triggers", "abandoned-carts"].map((name) => [name, read(`queries/${name}.sql`)]),
);

/** Erasures go alone, deliveries beside each other: no record comes in between a check and an erasure. */
const LOCK = 7_305_016;
const SUBJECT = "encode(sha256(convert_to(site || ':' || incarnation::uuid, 'UTF8')), 'hex')";

const INSERT = `
  INSERT INTO records (site, id, visitor, incarnation, seq, at, kind, name, session, data)
  SELECT site, id, visitor::uuid, incarnation::uuid, seq, to_timestamp(at_ms / 1000.0), kind, name, session, data
  FROM jsonb_to_recordset($1) AS r(site text, id text, visitor text, incarnation text, seq bigint, at_ms numeric,
    kind text, name text, session int, data jsonb)
  WHERE NOT EXISTS (SELECT 1 FROM erased WHERE subject = ${SUBJECT})
  ON CONFLICT DO NOTHING`;

const REMEMBER = `
  INSERT INTO erased (subject, at)
  SELECT ${SUBJECT}, to_timestamp($3 / 1000.0) FROM (SELECT $1::text AS site, unnest($2::text[]) AS incarnation) AS lives
  ON CONFLICT DO NOTHING`;

const FORGET = "DELETE FROM records WHERE site = $1 AND incarnation = ANY ($2::uuid[])";

/**
 * Footfall waits 10 s for an answer, so a delivery gives up before that. A transaction that stands open, because the machine
 * that began it is gone, is ended by the server: nothing else would give back what it has locked.
 */
const DELIVERY = { max: 8, lock_timeout: 5_000, statement_timeout: 8_000, query_timeout: 9_000, idle_in_transaction_session_timeout: 15_000 };
/** Reports are read by people, who wait longer, and never in the way of deliveries. */
const REPORT = { max: 4, statement_timeout: 60_000, query_timeout: 65_000 };

function openPool(url, settings) {
  const pool = new pg.Pool({ connectionString: url, connectionTimeoutMillis: 5_000, keepAlive: true, ...settings });
  const lost = (error) => console.error(`a connection to PostgreSQL was lost: ${error.message}`);
  pool.on("error", lost);
  // The pool hears only of those that nobody uses; of one in use its delivery hears too, and is answered with an error.
  pool.on("acquire", (client) => client.on("error", lost));
  pool.on("release", (_, client) => client.off("error", lost));
  return pool;
}

export async function openStore(url) {
  const [deliveries, reports] = [DELIVERY, REPORT].map((settings) => openPool(url, settings));
  await reports.query(read("schema.sql"));
  return {
    /** Takes a delivery whole or not at all; says how many records were new. */
    async take(records) {
      const erasures = records.filter(({ kind }) => kind === "visitor_erased");
      const client = await deliveries.connect();
      let failure;
      try {
        await client.query("BEGIN");
        await client.query(`SELECT pg_advisory_xact_lock${erasures.length ? "" : "_shared"}(${LOCK})`);
        for (const { site, incarnations, at_ms } of erasures) {
          await client.query(REMEMBER, [site, incarnations, at_ms]);
          await client.query(FORGET, [site, incarnations]);
        }
        const facts = records.filter(({ kind }) => kind !== "visitor_erased");
        const { rowCount } = await client.query(INSERT, [JSON.stringify(facts)]);
        await client.query("COMMIT");
        return rowCount;
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        // Nobody knows how far a connection has come that failed: it is closed, and the server rolls back.
        client.release(failure);
      }
    },

    async report(name, { site, days, minutes }) {
      const values = name === "abandoned-carts" ? [site, days, minutes] : [site, days];
      return (await reports.query(REPORTS[name], values)).rows;
    },

    close: () => Promise.all([deliveries.end(), reports.end()]),
  };
}
