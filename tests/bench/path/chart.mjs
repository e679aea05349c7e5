// The whole path as an SVG: processor time for an event, as so many times the floor's, with its spread over the rounds.

const WIDTH = 760;
const LEFT = 150;
const RIGHT = 110;
const TOP = 52;
const BAR = 26;
const GAP = 12;

const escape = (text) => String(text).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);

/** The chart of a run's results. */
export function chart({ http, date, rounds }) {
  const rows = Object.entries(http.by).map(([name, { cpu_us }]) => ({ name, us: cpu_us.median, ...cpu_us.ratio }));
  rows.sort((a, b) => a.median - b.median);
  const height = TOP + rows.length * (BAR + GAP) + 34;
  const most = Math.max(...rows.map((row) => row.most));
  const x = (times) => LEFT + (times / most) * (WIDTH - LEFT - RIGHT);
  const parts = [];
  const step = most > 4 ? 1 : 0.5;
  for (let times = 0; times <= most; times += step) {
    const at = x(times).toFixed(1);
    parts.push(`<line x1="${at}" x2="${at}" y1="${TOP - 8}" y2="${height - 30}" stroke="#e3e6e9"/>`);
    parts.push(`<text x="${at}" y="${height - 14}" text-anchor="middle">${times} ×</text>`);
  }
  for (const [at, { name, us, median, least, most: greatest }] of rows.entries()) {
    const y = TOP + at * (BAR + GAP);
    const middle = y + BAR / 2;
    const own = name === 'footfall';
    parts.push(`<text x="${LEFT - 10}" y="${middle + 4}" text-anchor="end" font-weight="${own ? 700 : 400}">${escape(name)}</text>`);
    parts.push(`<rect x="${LEFT}" y="${y}" width="${(x(median) - LEFT).toFixed(1)}" height="${BAR}" fill="${own ? '#0b6e4f' : '#9fb3c4'}"/>`);
    parts.push(`<line x1="${x(least).toFixed(1)}" x2="${x(greatest).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="#30363d" stroke-width="2"/>`);
    parts.push(`<text x="${(x(Math.max(median, greatest)) + 8).toFixed(1)}" y="${middle + 4}">${us.toFixed(0)} µs</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="#30363d">
<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>
<text x="${LEFT}" y="24" font-size="15" font-weight="600">Processor time for an event over HTTP (${escape(date)}, ${rounds} rounds)</text>
${parts.join('\n')}
</svg>
`;
}
