// Random JSON values, attributes and regular expressions: the usual ones, and those that coercions are about.

const TEXTS = [
  "", " ", "a", "A", "b", "abc", "ABC", "Abc", "foo bar", "ping pong", "ä", "Ä", "Ärger", "ß", "STRASSE", "日本", "😀", "～", "null", "true",
  "false", "undefined", "NaN", "Infinity", "-Infinity", "0", "-0", "1", "01", "1.0", "1.5", "-1", " 8 ", "8", "10", "9", "0x10", "0b11", "1e3", "1e21",
  "1e+21", "1e400", "1,2", "a,b", ",", "[object Object]", "{}", "[]", "\n", "a\nb", "a\u2028b", "\u00a0", "user@example.com", "/sale/shoes",
  "2024-01-01", "$5.00", "US", "us", "İ", "ΟΔΟΣ", "οδός",
];
const VERSIONS = [
  "1", "1.2", "1.2.3", "v1.2.3", "1.2.3-rc.1", "1.2.3-rc.1+build.5", "1.2.3+build", "1.10.0", "1.9.0", "01.2.3", "1.2.3-beta", "1.2.3-", "v", "+", "1+2\n3+4",
  "100000.0.0", "99999.0.0", "2.0.0-alpha.10", "2.0.0-alpha.9", "a.b.c", "1..2", "V1.0.0", "0", "0.0.0",
];
const NUMBERS = [
  0, -0, 1, -1, 2, 3, 5, 7, 8, 10, 15, 16, 100, 0.5, 1.5, 0.1 + 0.2, 0.3, -2.5, 1e3, 1e20, 1e21, 1.5e300, 1e-6, 1e-7, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53,
  2 ** 53 + 2, Number.MAX_VALUE, 1234567890.123,
];
/** Names of attributes; paths are made of them. */
const NAMES = ["a", "b", "c", "tags", "user", "id", "version", "0", "1", "length", "x y", "ä", "$groups"];

/** A number: one of the interesting ones, a small one, or any double. */
export function number(random) {
  if (random.chance(0.5)) return random.pick(NUMBERS);
  if (random.chance(0.5)) return random.between(-20, 20);
  const exponent = random.between(-12, 12);
  return (random.below(2 ** 32) + random.below(2 ** 20) / 2 ** 20) * 10 ** exponent * (random.chance(0.5) ? 1 : -1);
}

/** A text: one of the interesting ones, a version, a number's text, or some letters. */
export function text(random) {
  const kind = random.below(10);
  if (kind < 5) return random.pick(TEXTS);
  if (kind < 6) return random.pick(VERSIONS);
  if (kind < 7) return String(number(random));
  return letters(random, "abAB01 .-/ä");
}

/** A version, mostly of the usual form. */
export function version(random) {
  if (random.chance(0.4)) return random.pick(VERSIONS);
  const parts = Array.from({ length: random.between(1, 4) }, () => random.pick([0, 1, 2, 9, 10, 123]));
  return (random.chance(0.2) ? "v" : "") + parts.join(".") + (random.chance(0.3) ? random.pick(["-rc.1", "-alpha", "-beta.2", "+7"]) : "");
}

function letters(random, from) {
  return Array.from({ length: random.below(6) }, () => random.pick([...from])).join("");
}

/** No array and no object. */
export function scalar(random) {
  const kind = random.below(12);
  if (kind < 5) return text(random);
  if (kind < 9) return number(random);
  return kind < 11 ? random.chance(0.5) : null;
}

/** Any JSON value of at most this depth. */
export function value(random, depth = 3) {
  const kind = depth > 0 ? random.below(12) : 0;
  if (kind < 6) return scalar(random);
  if (kind < 10) return list(random, depth);
  return object(random, depth);
}

function list(random, depth) {
  const length = random.below(5);
  const scalars = random.chance(0.6);
  // What is falsy is an item like any other.
  if (random.chance(0.15)) return Array.from({ length }, () => random.pick([0, "", false, null, 1]));
  return Array.from({ length }, () => (scalars ? scalar(random) : value(random, depth - 1)));
}

function object(random, depth) {
  const names = Array.from({ length: random.below(4) }, () => name(random));
  return Object.fromEntries(names.map((name) => [name, value(random, depth - 1)]));
}

/** An attribute's name; at times one that could be taken for an operator. */
export function name(random) {
  return random.chance(0.01) ? random.pick(["$eq", "$regx", "", "a.b"]) : random.pick(NAMES);
}

/** What conditions are asked of: nearly always an object of some members. */
export function attributes(random) {
  if (random.chance(0.01)) return value(random, 1);
  const names = Array.from({ length: random.between(1, 6) }, () => name(random));
  return Object.fromEntries(names.map((name) => [name, value(random)]));
}

/** A regular expression; now and then one that is none. */
export function expression(random, depth = 2) {
  if (depth === 2 && random.chance(0.03)) {
    return random.pick(["(", "[a", "a\\", "*", "+a", "a**", "a*+", "a{2}{3}", "^*", "\\b+", "{2}", "a{3,2}", "[b-a]", ")", "(?i)a", "(?P<n>a)", "(?x)a", "a???"]);
  }
  const branches = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => {
    const pieces = Array.from({ length: random.between(depth === 2 ? 1 : 0, 3) }, () => piece(random, depth)).join("");
    return (random.chance(0.25) ? "^" : "") + pieces + (random.chance(0.2) ? "$" : "");
  });
  return branches.join("|");
}

function piece(random, depth) {
  const kind = random.below(12);
  let atom;
  if (kind < 6) atom = random.pick(["a", "b", "A", "1", "8", "ä", "Ä", " ", "/", "-", "\\/", "\\.", "\\$", ",", "o", "]", "}", "=", "~", "&", "#"]);
  else if (kind < 8) atom = random.pick([".", "\\d", "\\D", "\\w", "\\W", "\\s", "\\S", "\\t", "\\n", "\\u0061", "\\x41", "\\0"]);
  else if (kind < 10) atom = random.pick(["[ab]", "[^a]", "[a-c]", "[A-Zä]", "[\\d.]", "[^\\s]", "[\\w-]", "[-a]", "[]", "[^]", "[[]", "[a&&b]", "[\\b]", "[\\]]", "[.]", "[^\\W]", "[a/]", "[$^]"]);
  else if (kind < 11 && depth > 0) atom = random.pick(["(", "(?:", "(?<n>"]) + expression(random, depth - 1) + ")";
  else return random.pick(["\\b", "\\B"]);
  // A named group may stand only once; its name is made one of the place where it stands.
  return atom.replace("(?<n>", () => `(?<n${random.below(2 ** 30)}>`) + (random.chance(0.3) ? random.pick(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,}", "{0,2}", "{1,3}?"]) : "");
}
