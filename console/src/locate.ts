// Finds the place in a JSON text that a JSON pointer (RFC 6901) names.

export interface Place {
  readonly start: number;
  readonly end: number;
}

/** The value's place, or that of the deepest value on the way to it. `text` must be JSON. */
export function locate(text: string, pointer: string): Place | undefined {
  const wanted = pointer.split('/').slice(1).map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  let best: { depth: number; place: Place } | undefined;
  let at = 0;

  const space = (): void => {
    while (/\s/.test(text[at] ?? '')) at += 1;
  };
  const string = (): string => {
    const start = at;
    at += 1;
    while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
    at += 1;
    return JSON.parse(text.slice(start, at)) as string;
  };
  const value = (path: readonly string[]): void => {
    space();
    const start = at;
    const open = text[at];
    if (open === '{' || open === '[') {
      const close = open === '{' ? '}' : ']';
      at += 1;
      space();
      for (let index = 0; at < text.length && text[at] !== close; index += 1) {
        let token = String(index);
        if (open === '{') {
          token = string();
          space();
          at += 1;
        }
        value([...path, token]);
        space();
        if (text[at] === ',') at += 1;
        space();
      }
      at += 1;
    } else if (open === '"') string();
    else while (at < text.length && !/[\s,\]}]/.test(text[at] ?? '')) at += 1;
    const onTheWay = path.length <= wanted.length && path.every((token, depth) => token === wanted[depth]);
    if (onTheWay && (!best || path.length > best.depth)) best = { depth: path.length, place: { start, end: at } };
  };

  try {
    value([]);
  } catch {
    return undefined;
  }
  return best?.place;
}
