// A delivery of Footfall, from bytes to records: who sent it, how old it is, and what is in it.

import { createHmac, timingSafeEqual } from "node:crypto";
import { gunzipSync } from "node:zlib";

/** How far our clock and Footfall's may be apart; older bodies are somebody's repeats. */
const WINDOW_S = 300;
/** Bounds of a body, packed and unpacked, in bytes. Footfall packs half a megabyte at most, but for one large message. */
export const BODY_BYTES_MAX = 1 << 20;
const UNPACKED_BYTES_MAX = 4 << 20;

const NUL = /(?<!\\)((?:\\\\)*)\\u0000/g;

/** What is wrong with a delivery, with the status that says so. 4xx sets it aside at Footfall's, with these words. */
export class Refusal extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * Checks `footfall-signature` (`t=<Unix seconds>,v1=<hex>`): HMAC-SHA256 of `t`, a full stop and the body as it came.
 * Several `secrets` are good at once, so that a new one can be brought in before the old one goes.
 */
export function verify(header, body, secrets, now_s = Date.now() / 1000) {
  const [, seconds, signature] = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/.exec(header ?? "") ?? [];
  if (!signature) throw new Refusal(401, "the signature is missing or has another form");
  const given = Buffer.from(signature, "hex");
  const signed = (secret) => createHmac("sha256", secret).update(`${seconds}.`).update(body).digest();
  if (!secrets.some((secret) => timingSafeEqual(signed(secret), given))) throw new Refusal(401, "the signature is wrong");
  if (Math.abs(now_s - Number(seconds)) > WINDOW_S) throw new Refusal(401, "the signature is of another time");
}

/** The records and notices of a body: lines of JSON, or one object with all of them. */
export function parse(headers, body) {
  const type = headers["content-type"]?.split(";")[0];
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding !== "gzip") throw new Refusal(415, "only gzip is unpacked");
  try {
    const bytes = encoding ? gunzipSync(body, { maxOutputLength: UNPACKED_BYTES_MAX }) : body;
    // PostgreSQL keeps every character but this one.
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(NUL, "$1\\ufffd");
    if (type === "application/x-ndjson") return text.split("\n").filter(Boolean).map((line) => checked(JSON.parse(line)));
    if (type === "application/json") return JSON.parse(text).records.map(checked);
  } catch (error) {
    throw error instanceof Refusal ? error : new Refusal(400, `the body cannot be read: ${error.message}`);
  }
  throw new Refusal(415, "send application/x-ndjson or application/json");
}

function checked(record) {
  const texts = ["id", "site", "visitor", "kind"].every((name) => typeof record?.[name] === "string");
  if (record?.v !== 1 || !texts) throw new Refusal(400, "not a record of version 1");
  return record;
}
