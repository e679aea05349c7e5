// Makes pushed markup harmless: only what is on these lists survives. The server escapes as well; this is the second lock.

const ELEMENTS = new Set(
  'A ABBR B BLOCKQUOTE BR CODE DEL DIV EM H2 H3 H4 HR I IMG INS LI MARK OL P PICTURE S SMALL SPAN STRONG SUB SUP TIME U UL'.split(' '),
);
const ATTRIBUTES = new Set('alt class datetime dir height href lang src title width'.split(' '));
/** Elements whose very content is code or another document: gone with all that is inside. */
const OPAQUE = new Set('SCRIPT STYLE TEMPLATE IFRAME OBJECT EMBED NOSCRIPT SVG MATH TITLE TEXTAREA SELECT'.split(' '));

/** The address when it is one that may be opened or loaded, else nothing. */
export function safeUrl(address: string, forImage = false): string | undefined {
  let url: URL;
  try {
    url = new URL(address, document.baseURI);
  } catch {
    return undefined;
  }
  const allowed = forImage ? ['http:', 'https:'] : ['http:', 'https:', 'mailto:', 'tel:'];
  return allowed.includes(url.protocol) ? url.href : undefined;
}

/** Markup as nodes without scripts, handlers, styles or addresses that run code. */
export function sanitise(html: string): DocumentFragment {
  // A parsed document is inert: nothing in it loads or runs.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const clean = document.createDocumentFragment();
  copy(parsed.body, clean);
  return clean;
}

function copy(from: Node, to: Node): void {
  for (const node of from.childNodes) {
    if (node instanceof Text) to.appendChild(document.createTextNode(node.data));
    if (!(node instanceof Element)) continue;
    const name = node.tagName.toUpperCase();
    if (OPAQUE.has(name)) continue;
    if (!ELEMENTS.has(name)) {
      copy(node, to);
      continue;
    }
    const element = document.createElement(name);
    for (const { name: attribute, value } of node.attributes) {
      if (!ATTRIBUTES.has(attribute)) continue;
      const isAddress = attribute === 'href' || attribute === 'src';
      const kept = isAddress ? safeUrl(value, attribute === 'src') : value;
      if (kept !== undefined) element.setAttribute(attribute, kept);
    }
    copy(node, element);
    to.appendChild(element);
  }
}
