// The results as an SVG: events per second over the number of rules, both on logarithmic scales.

const WIDTH = 760;
const HEIGHT = 440;
const LEFT = 70;
const RIGHT = 190;
const TOP = 48;
const BOTTOM = 46;
const COLOURS = ['#0b6e4f', '#3aa17e', '#b5651d', '#7a5195', '#2f6db5', '#c0392b', '#666f7a'];

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** The chart of a run's results. */
export function chart({ ns_per_event: measured, cores, date }) {
  const sizes = [10, 100, 1_000, 10_000];
  const rate = (ns) => 1e9 / ns;
  const all = Object.values(measured).flatMap((by) => sizes.map((size) => rate(by[size])));
  const low = Math.floor(Math.log10(Math.min(...all)));
  const high = Math.ceil(Math.log10(Math.max(...all)));
  const x = (size) => LEFT + ((Math.log10(size) - 1) / 3) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + ((high - Math.log10(value)) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  const parts = [];
  for (let power = low; power <= high; power += 1) {
    const at = y(10 ** power).toFixed(1);
    parts.push(`<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${at}" y2="${at}" stroke="#d6dade"/>`);
    const label = (10 ** power).toLocaleString('en-GB');
    parts.push(`<text x="${LEFT - 8}" y="${Number(at) + 4}" text-anchor="end">${label}</text>`);
  }
  for (const size of sizes) {
    parts.push(`<text x="${x(size)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${size.toLocaleString('en-GB')}</text>`);
  }
  parts.push(`<text x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 8}" text-anchor="middle">rules</text>`);
  // Names stand at the lines' ends, pushed apart where lines end close to each other.
  const ends = Object.entries(measured).map(([name, by], at) => ({ name, at, y: y(rate(by[10_000])) }));
  ends.sort((a, b) => a.y - b.y);
  for (let at = 1; at < ends.length; at += 1) ends[at].y = Math.max(ends[at].y, ends[at - 1].y + 16);
  for (const { name, at, y: end } of ends) {
    const points = sizes.map((size) => `${x(size).toFixed(1)},${y(rate(measured[name][size])).toFixed(1)}`);
    const colour = COLOURS[at % COLOURS.length];
    const width = name.startsWith('footfall') ? 3 : 1.8;
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="${width}"/>`);
    parts.push(`<text x="${WIDTH - RIGHT + 8}" y="${(end + 4).toFixed(1)}" fill="${colour}" font-weight="600">${escape(name)}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="system-ui, sans-serif" font-size="12" fill="#30363d">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>
<text x="${LEFT}" y="24" font-size="15" font-weight="600">Events per second, by the number of rules (${date}, one of ${cores} cores)</text>
${parts.join('\n')}
</svg>
`;
}
