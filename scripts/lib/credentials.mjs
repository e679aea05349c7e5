// The credentials of a local run: made once for a state directory, the same after every restart.

import { createHmac, randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const TEN_YEARS_S = 10 * 365 * 24 * 3600;
const secret = (bytes = 32) => randomBytes(bytes).toString("base64url");

/** Secrets for the Worker, and what a person or a test needs to use it. */
export function credentials(stateDir) {
  const file = join(stateDir, "credentials.json");
  if (!existsSync(file)) {
    // Renamed into place, so that a start that was killed half-way leaves no half file.
    writeFileSync(`${file}.new`, `${JSON.stringify(make(), null, 2)}\n`, { mode: 0o600 });
    renameSync(`${file}.new`, file);
  }
  const { SIGNING_KEYS, ADMIN_JWT_SECRET, WRITE_KEYS, ...ready } = JSON.parse(readFileSync(file, "utf8"));
  return {
    secrets: {
      SIGNING_KEYS: JSON.stringify(SIGNING_KEYS),
      ADMIN_JWT_SECRET,
      WRITE_KEYS: JSON.stringify(WRITE_KEYS),
    },
    ready,
  };
}

function make() {
  const write_key = `fws_${secret(18)}`;
  const public_key = `fwp_${secret(18)}`;
  const ADMIN_JWT_SECRET = secret();
  return {
    SIGNING_KEYS: { active: "k1", keys: { k1: secret() } },
    ADMIN_JWT_SECRET,
    WRITE_KEYS: {
      [write_key]: { site: "demo", authority: "source" },
      [public_key]: { site: "demo", authority: "public" },
    },
    write_key,
    public_key,
    admin_token: jwt(ADMIN_JWT_SECRET, { sub: "local-operator", role: "admin" }),
  };
}

/** An HS256 JSON Web Token (RFC 7519). The key is the secret's text itself, not what it might decode to. */
export function jwt(key, claims, now_s = Math.floor(Date.now() / 1000)) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const body = `${part({ alg: "HS256", typ: "JWT" })}.${part({ ...claims, iat: now_s, exp: now_s + TEN_YEARS_S })}`;
  return `${body}.${createHmac("sha256", key).update(body).digest("base64url")}`;
}
