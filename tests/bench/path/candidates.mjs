// What is compared: how each is put together, and how it is sent an event. All get the same events in the same JSON.
import path from 'node:path';
import { jwt } from '../../../scripts/lib/credentials.mjs';
import { bundle } from './bundle.mjs';
import { document } from './traffic.mjs';

const here = import.meta.dirname;
const root = path.resolve(here, '../../..');
const target = path.resolve(here, '../target');

/** A request as it goes over the wire. */
function request(address, where, body, headers = {}) {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `POST ${where} HTTP/1.1\r\nhost: ${address}\r\ncontent-type: application/json\r\n${more}`;
  return Buffer.from(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

/** A frame as a page sends it; its mask is 0, which is as good for a server. */
export function frame(text) {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? Buffer.from([0x81, 0x80 | payload.length]) : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
  if (payload.length > 65_535) throw new Error('a frame of the benchmark is too long');
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

const upgrade = (address, where, headers = '') =>
  Buffer.from(`GET ${where} HTTP/1.1\r\nhost: ${address}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: YmVuY2htYXJrYmVuY2htYQ==\r\n${headers}\r\n`);

/** How candidates are spoken to over a socket whose visitor the path says. */
const socketByPath = (at) => ({
  open: ({ address }, _prepared, visitor) => upgrade(address, at(`visitor-${visitor}`)),
  send: (events, number) => frame(JSON.stringify({ type: 'events', frame: number, events })),
});

/** Candidates that know a visitor by the path and nothing else. */
const byPath = {
  ...socketByPath((name) => `/${name}`),
  probe: '/probe',
  expect: '',
  prepare: async () => ({}),
  ask: ({ address }, _prepared, visitor, events) => request(address, `/visitor-${visitor}`, JSON.stringify({ batch: events })),
};

export const floor = (bytes) => ({
  ...byPath,
  modules: [['worker.js', 'esModule', path.join(here, 'floor/worker.js')]],
  classes: [['OBJECT', 'Floor']],
  vars: { BYTES: bytes },
});

export const bare = (bytes) => ({
  ...byPath,
  modules: rust(path.join(target, 'bare')),
  classes: [['OBJECT', 'Bare']],
  vars: { BYTES: bytes },
});

/** An object in TypeScript with its rules; `className` is that of its class. */
const typescript = (name, className, binding, at) => (rules, folder) => ({
  modules: [['worker.js', 'esModule', bundle(name, rules, folder)]],
  classes: [[binding, className]],
  probe: at('probe'),
  expect: '',
  prepare: async () => ({}),
  ...socketByPath(at),
  ask: ({ address }, _prepared, visitor, events) => request(address, at(`visitor-${visitor}`), JSON.stringify({ batch: events })),
  fired: async ({ address }, _prepared, visitor) => {
    const { json } = await call(address, 'GET', at(`visitor-${visitor}`));
    return json.mailbox.map(({ rule }) => rule);
  },
});

export const plain = typescript('plain', 'Plain', 'OBJECT', (name) => `/${name}`);
export const party = typescript('party', 'Party', 'Party', (name) => `/parties/party/${name}`);
export const rulesEngine = typescript('rules-engine', 'WithEngine', 'OBJECT', (name) => `/${name}`);

const rust = (folder) => [
  ['index.js', 'esModule', path.join(folder, 'index.js')],
  ['index_bg.wasm', 'wasm', path.join(folder, 'index_bg.wasm')],
];

const SECRET = 'a secret of the benchmark alone, thirty-two bytes';
const PUBLIC_KEY = 'fwp_benchmark0000000000000';
export { PUBLIC_KEY as publicKey };
/** What operators show. */
export const operator = () => ({ authorization: `Bearer ${jwt(SECRET, { sub: 'benchmark', role: 'admin' })}` });

/** Footfall with its published rules; `site` are settings of the site. */
export const footfall = (rules, { build = path.join(root, 'build'), site = {} } = {}) => ({
  modules: [['entry.js', 'esModule', path.join(build, 'entry.js')], ...rust(build)],
  classes: [['VISITOR', 'Visitor'], ['RULEBOOK', 'Rulebook'], ['USER', 'User'], ['LIMITER', 'Limiter']],
  queues: ['RECORDS', 'ORIGIN', 'ARCHIVE'],
  vars: {
    SITES: JSON.stringify({ bench: { origins: [], consent: 'assumed', ...site } }),
    SIGNING_KEYS: JSON.stringify({ active: 'k1', keys: { k1: Buffer.from(SECRET.slice(0, 32)).toString('base64url') } }),
    ADMIN_JWT_SECRET: SECRET,
    WRITE_KEYS: JSON.stringify({ [PUBLIC_KEY]: { site: 'bench', authority: 'public' } }),
  },
  probe: '/health',
  expect: '"accepted":',
  prepare: async (runtime, visitors) => {
    await publish(runtime.address, rules);
    const named = await Promise.all(Array.from({ length: visitors }, () => visitor(runtime.address)));
    return { visitors: named, tokens: named.map(({ token }) => token) };
  },
  fired: missed,
  open: ({ address }, { tokens }, at) =>
    upgrade(address, '/v1/socket', `origin: http://${address}\r\nuser-agent: ${AGENT}\r\nsec-websocket-protocol: footfall.v1, token.${tokens[at]}\r\n`),
  first: () => frame(JSON.stringify({ type: 'hello', tab: 'benchmark', visible: true })),
  // Now and then a page says what it has seen; the engine takes no more than it has told.
  send: (events, number) => {
    const sent = frame(JSON.stringify({ type: 'events', frame: number, events }));
    return number % 8 ? sent : Buffer.concat([sent, frame(JSON.stringify({ type: 'seen', seq: 2 ** 50, version: 2 ** 50 }))]);
  },
  // As `client-js` posts when it has no socket, but for the `context` that asks for what was missed.
  ask: ({ address }, { tokens }, at, events) => {
    const body = { batch: events, writeKey: PUBLIC_KEY, token: tokens[at] };
    return request(address, '/v1/batch', JSON.stringify(body), { 'user-agent': AGENT });
  },
});

/** What was pushed to a visitor, oldest first, as a page without a socket is told it. */
async function missed({ address }, { tokens }, at) {
  const context = { tab: 'benchmark' };
  const { json } = await call(address, 'POST', '/v1/batch', { batch: [], writeKey: PUBLIC_KEY, token: tokens[at], context }, { 'user-agent': AGENT });
  return (json.pushes?.messages ?? []).map(({ rule }) => rule);
}

const AGENT = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

async function call(address, method, where, body, headers = {}) {
  const reply = await fetch(`http://${address}${where}`, {
    method,
    headers: { 'content-type': 'application/json', ...headers },
    body: body && JSON.stringify(body),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${where} answered ${reply.status}: ${text.slice(0, 500)}`);
  return { json: text ? JSON.parse(text) : undefined, tag: reply.headers.get('etag') };
}

const visitor = async (address) =>
  (await call(address, 'POST', '/v1/visitor', { writeKey: PUBLIC_KEY, consent: 'granted' }, { 'user-agent': AGENT })).json;

async function publish(address, rules) {
  const admin = operator();
  const site = '/admin/v1/sites/bench';
  const draft = { rules: rules.map(document), segments: [], stages: [] };
  const kept = await call(address, 'PUT', `${site}/draft`, draft, admin);
  await call(address, 'POST', `${site}/draft/publish`, {}, { ...admin, ...(kept.tag && { 'if-match': kept.tag }) });
}
