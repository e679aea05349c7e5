// Applies migrations/*.sql to a D1 database, recorded as `wrangler d1 migrations apply` records them.

import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { unstable_splitSqlQuery as split } from "wrangler";

// wrangler's own table, so that either can carry on where the other stopped.
const TABLE = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

export async function migrate(database, directory, say) {
  const files = existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith(".sql")).sort() : [];
  if (files.length === 0) return;
  await database.prepare(TABLE).run();
  const { results } = await database.prepare("SELECT name FROM d1_migrations").all();
  const applied = new Set(results.map((row) => row.name));
  for (const name of files.filter((file) => !applied.has(file))) {
    const statements = split(readFileSync(join(directory, name), "utf8")).map((sql) => database.prepare(sql));
    const record = database.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
    try {
      await database.batch([...statements, record]); // one transaction: a migration applies whole or not at all
    } catch (error) {
      throw new Error(`migration ${name} did not apply: ${error.message}`);
    }
    say(`migrated ${name}`);
  }
}
