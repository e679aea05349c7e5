// Makes tokens, good and forged, for the tests of what is not let in.

import { createHmac, createSign, generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const DAY_S = 24 * 3600;
export const now_s = () => Math.floor(Date.now() / 1000);

const part = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

/** The secrets of a local run. */
export const secretsOf = (engine) => JSON.parse(readFileSync(join(engine.state, "credentials.json"), "utf8"));

/** A visitor's token as the engine signs it; what is given replaces a part. */
export function visitorToken(engine, visitor, { site = "demo", jurisdiction = "-", issued = now_s(), keyId = "k1", key } = {}) {
  const secret = key ?? Buffer.from(secretsOf(engine).SIGNING_KEYS.keys.k1, "base64url");
  const text = `f1.${keyId}.${site}.${visitor}.${jurisdiction}.${issued}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** A JSON Web Token signed with HS256, whatever its header says. */
export function hs256(secret, claims, header = { alg: "HS256", typ: "JWT" }) {
  const text = `${part(header)}.${part(claims)}`;
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}

/** A JSON Web Token signed with ES256, whatever its header says. */
export function es256(privateKey, claims, header) {
  const text = `${part(header)}.${part(claims)}`;
  const signature = createSign("SHA256").update(text).sign({ key: privateKey, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

/** A JSON Web Token without a signature. */
export const unsigned = (claims, header = { alg: "none" }) => `${part(header)}.${part(claims)}.`;

/** A key pair of an issuer: the private half, and the public one as a JSON Web Key. */
export function issuer(kid) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return { kid, privateKey, jwk: { ...publicKey.export({ format: "jwk" }), kid, alg: "ES256", use: "sig" } };
}

export const code = ({ status, json, text }) => `${status} ${json?.code ?? text.slice(0, 80)}`;
export const bearer = (token) => ({ authorization: `Bearer ${token}` });
