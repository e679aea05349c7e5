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

/** Brings events to a visitor's object. */
export const take = ({ VISITOR }, jurisdiction, name, brought) =>
  (jurisdiction ? VISITOR.jurisdiction(jurisdiction) : VISITOR).getByName(name).take(brought.slice());

/** Runs a statement with some bytes. They are read before this returns, so that they need not be copied before. */
export const write = ({ sql }, statement, bytes) => sql.exec(statement, bytes);

/** An answer. `lines` are its headers: name and value in turn. */
export const answer = (status, lines, body) => {
  const parts = lines.split(NEW_LINE);
  const headers = [];
  for (let at = 0; at + 1 < parts.length; at += 2) headers.push([parts[at], parts[at + 1]]);
  return new Response(body, { status, headers });
};
