// What the hot path asks of the platform, each in one crossing between wasm and JavaScript: a crossing costs little, but
// the platform's crate takes more than a hundred of them for one event.

// The platform wraps every call of its own `queueMicrotask`, which wasm-bindgen's futures make at each wake; a promise that
// is resolved already does the same for a tenth of the time.
const done = Promise.resolve();
globalThis.queueMicrotask = (run) => void done.then(run);

const NEW_LINE = "\n";
let names = [];

/** Says once which headers `head` reads, a line each. */
export const nameHeaders = (list) => {
  names = list.split(NEW_LINE);
};

/** Method, address and the named headers of a request, a line each; NUL stands for a header that is absent. */
export const head = ({ method, url, headers }) => {
  let text = method + NEW_LINE + url;
  for (const name of names) text += NEW_LINE + (headers.get(name) ?? "\0");
  return text;
};

/** Members of `request.cf`, where the network describes who asks, a line each; nothing where it does not. */
export const place = ({ cf }) =>
  cf?.country && [cf.country, cf.region, cf.city, cf.continent, cf.timezone].map((text) => text ?? "").join(NEW_LINE);

const encoder = new TextEncoder();

/** A text as UTF-8; of a longer one only the first `most` letters, since wasm's memory never becomes smaller again. */
export const utf8 = (text, most) => encoder.encode(text.length > most ? text.slice(0, most) : text);

/** Brings events to a visitor's object. */
export const take = ({ VISITOR }, jurisdiction, name, brought) =>
  (jurisdiction ? VISITOR.jurisdiction(jurisdiction) : VISITOR).getByName(name).take(brought.slice());

/** Sends messages to a queue, each some bytes or a text. */
export const send = (queue, bodies) =>
  queue.sendBatch(bodies.map((body) => ({ body, contentType: typeof body === "string" ? "text" : "bytes" })));

/** The value of a key, as bytes. */
export const get = ({ kv }, key) => kv.get(key);

/** The values of the keys from `from` up to and without `to`. */
export const range = ({ kv }, from, to) => [...kv.list({ start: from, end: to })].map(([, value]) => value);

/** Sets a value. Of a view of wasm's memory the platform would keep all of that memory. */
export const put = ({ kv }, key, value) => kv.put(key, value.slice());

// The platform copies a value when it is put, so each length needs one room only: a new one for each event would be 32 KB
// of zeros, and more work for the garbage collector than what is written.
const ROOM_MAX = 65_536;
const rooms = new Map();

const roomOf = (length) => {
  const room = rooms.get(length) ?? new Uint8Array(length);
  if (length <= ROOM_MAX) rooms.set(length, room);
  return room;
};

/** Sets a value: a head, a body, and zeros up to a length that seldom changes (`room_for`). */
export const putInRoom = ({ kv }, key, length, head, body) => {
  const room = roomOf(length);
  room.set(head);
  room.set(body, head.length);
  room.fill(0, head.length + body.length);
  kv.put(key, room);
};

/** Deletes a key, and says whether it was there. */
export const remove = ({ kv }, key) => kv.delete(key);

// Most answers have the same headers as one before: the platform copies its own kind faster than it reads ours.
const HEADERS_MAX = 64;
const known = new Map();

const headersOf = (lines) => {
  const parts = lines.split(NEW_LINE);
  const headers = new Headers();
  for (let at = 0; at + 1 < parts.length; at += 2) headers.append(parts[at], parts[at + 1]);
  if (known.size >= HEADERS_MAX) known.clear();
  known.set(lines, headers);
  return headers;
};

/** An answer. `lines` are its headers: name and value in turn. */
export const answer = (status, lines, body) => new Response(body, { status, headers: known.get(lines) ?? headersOf(lines) });
