// The page with the store's three questions and their answers.

const ESCAPES = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
const escape = (value) => String(value).replace(/[&<>"]/g, (sign) => ESCAPES[sign]);
const shown = (value) => escape(value instanceof Date ? value.toISOString() : typeof value === "object" ? JSON.stringify(value) : value);

const TITLES = { funnel: "Funnel by stage", triggers: "Triggers by rule", "abandoned-carts": "Abandoned carts" };

export function page(reports) {
  const sections = Object.entries(reports).map(([name, rows]) => `<h2>${TITLES[name]}</h2>${table(rows)}`);
  return `<!doctype html><html lang="en"><meta charset="utf-8"><title>Footfall's records</title>
<style>body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem}table{border-collapse:collapse}td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ccc}</style>
<h1>Footfall's records</h1>${sections.join("")}`;
}

function table(rows) {
  if (rows.length === 0) return "<p>Nothing yet.</p>";
  const names = Object.keys(rows[0]);
  const head = names.map((name) => `<th>${escape(name)}</th>`).join("");
  const body = rows.map((row) => `<tr>${names.map((name) => `<td>${shown(row[name])}</td>`).join("")}</tr>`).join("");
  return `<table><tr>${head}</tr>${body}</table>`;
}
