// Automated clients: no surface makes an object for one, and each verdict is noted with its reason.

import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { DEMO, basic, start, track, until } from "../support.mjs";
import { bearer, code } from "./forge.mjs";

const CHROME = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36";
const BOTS = [
  ["crawler:googlebot", { "user-agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)" }],
  ["crawler:bot", { "user-agent": "ExampleBot/1.0" }],
  ["headless:headlesschrome", { "user-agent": CHROME.replace("Chrome", "HeadlessChrome") }],
  ["headless:headlesschrome", { "user-agent": CHROME, "sec-ch-ua": '"Chromium";v="142", "HeadlessChrome";v="142"' }],
];
let engine;
before(async (t) => {
  engine = await start(t, { sites: { demo: { ...DEMO, allow_headless: false } } });
});

/** The verdict stands in the log, as a line of its own. */
async function assertNoted(bot, surface, from) {
  const lines = () => engine.log.slice(from).split("\n").filter((line) => line.startsWith("{")).map((line) => JSON.parse(line));
  await until(() => lines().some((line) => line.bot === bot && line.surface === surface && line.site === "demo" && line.count >= 1));
  const personal = /visitor|address|anonymous|user/;
  for (const line of lines()) assert.ok(!personal.test(Object.keys(line).join()), JSON.stringify(line));
}

describe("no object is made for a bot", () => {
  for (const [bot, headers] of BOTS) {
    test(`${bot} by ${Object.keys(headers).join(" and ")}`, async () => {
      // A person's token that a bot has got hold of: nothing of that person is stored yet.
      const { token, visitor } = await engine.visitor();
      const event = () => track("Product Viewed", { anonymousId: "bot", properties: { sku: "a" } });
      const from = engine.log.length;
      for (const [path, credential] of [["/v1/track", bearer(token)], ["/v1/batch", bearer(token)], ["/v1/track", {}]]) {
        const body = path.endsWith("batch") ? { batch: [event()] } : { ...event(), writeKey: engine.publicKey };
        const { json } = await engine.post(path, body, { ...headers, ...credential });
        assert.deepEqual([json.accepted, json.rejections[0].code], [0, "bot"], path);
        assert.match(json.rejections[0].message, /automated client|without a person/);
      }
      const beacon = await engine.post(`/v1/beacon?writeKey=${engine.publicKey}`, JSON.stringify({ batch: [event()], token }), { ...headers, "content-type": "text/plain" });
      assert.deepEqual([beacon.json.accepted, beacon.json.rejections[0].code], [0, "bot"]);
      await assertNoted(bot, "events", from);

      const named = await engine.post("/v1/visitor", { writeKey: engine.publicKey, consent: "granted" }, headers);
      assert.deepEqual([named.status, named.json.visitor, named.json.token, named.headers.get("set-cookie")], [200, null, null, null]);
      await assertNoted(bot, "visitor", from);

      const upgrade = await engine.socket(token, { headers }).opened.then(() => "opened", ({ status }) => status);
      assert.equal(upgrade, 403);
      await assertNoted(bot, "socket", from);

      for (const surface of ["state", "log"]) {
        assert.equal(code(await engine.call(`/v1/${surface}`, { headers: { ...headers, ...bearer(token) } })), "403 bot");
        await assertNoted(bot, surface, from);
      }
      assert.equal((await engine.storage(visitor)).exists, false);
      assert.deepEqual(await engine.objects("Visitor"), []);
    });
  }
});

test("a page that a program drives says so, and gets no name", async () => {
  const from = engine.log.length;
  const { json } = await engine.post("/v1/visitor", { writeKey: engine.publicKey, consent: "granted", webdriver: true }, { "user-agent": CHROME });
  assert.deepEqual([json.visitor, json.token], [null, null]);
  await assertNoted("headless:navigator.webdriver", "visitor", from);
});

test("a bot that a server tells of makes no object either", async () => {
  const from = engine.log.length;
  const context = { userAgent: "Googlebot/2.1" };
  const { json } = await engine.send(track("thing", { anonymousId: "seen-by-server", context }));
  assert.equal(json.rejections[0].code, "bot");
  await assertNoted("crawler:googlebot", "events", from);
  assert.deepEqual(await engine.objects("Visitor"), []);
});

test("people and servers are none", async () => {
  const { token, visitor } = await engine.visitor();
  const person = await engine.post("/v1/track", track("thing"), { ...bearer(token), "user-agent": CHROME, "sec-ch-ua": '"Chromium";v="142"' });
  assert.equal(person.json.accepted, 1);
  const server = await engine.post("/v1/track", track("thing", { anonymousId: "a" }), { authorization: basic(engine.writeKey), "user-agent": "curl/8.5.0" });
  assert.equal(server.json.accepted, 1);
  assert.equal((await engine.storage(visitor)).exists, true);
});
