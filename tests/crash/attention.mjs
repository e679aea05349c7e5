// When each product page's dwell is due, worked out from a visitor's records alone.
//
// Attention is counted while a page is in sight: hiding its tab, or the end of its socket, stops the clock; leaving the
// page or the end of the session ends it; a tab that is active again after its session's end shows its page again.

/**
 * The page views of product pages: the record that opened each, when its attention reached `dwell_ms` (absent when it
 * never did), and when the page was over (`Infinity` when it never was).
 */
export function attention(rows, dwell_ms) {
  const done = [];
  const open = new Map();
  let hidden;
  const close = (tab, at_ms) => {
    const view = open.get(tab);
    open.delete(tab);
    if (view?.product) done.push(finish(view, at_ms));
  };
  const finish = (view, at_ms) => {
    if (view.due_ms === undefined && view.since_ms !== undefined && view.since_ms + view.left_ms <= at_ms) view.due_ms = view.since_ms + view.left_ms;
    return { record: view.record, due_ms: view.due_ms, over: at_ms };
  };
  const sight = (tab, visible, at_ms) => {
    const view = open.get(tab);
    if (!view || visible === (view.since_ms !== undefined)) return;
    if (visible) view.since_ms = at_ms;
    else {
      if (view.due_ms === undefined && view.since_ms + view.left_ms <= at_ms) view.due_ms = view.since_ms + view.left_ms;
      view.left_ms -= at_ms - view.since_ms;
      view.since_ms = undefined;
    }
  };
  const begin = (tab, seq, at_ms, product) => {
    const visible = !(hidden?.tab === tab && hidden.seq === seq - 1);
    open.set(tab, { record: seq, product, left_ms: dwell_ms, since_ms: visible ? at_ms : undefined, due_ms: undefined });
  };
  for (const { kind, name, seq, at_ms, data } of rows) {
    const { tab } = data;
    if (kind === "sight_changed") {
      // Told just before a page opens out of sight as well.
      hidden = data.visible ? undefined : { tab, seq };
      sight(tab, data.visible, at_ms);
    } else if (kind === "session_ended") {
      for (const other of [...open.keys()]) close(other, at_ms);
    } else if (kind === "event" && name === "page_viewed") {
      close(tab, at_ms);
      begin(tab, seq, at_ms, data.properties?.kind === "product");
    } else if (kind === "event" && name === "page_left") close(tab, at_ms);
    else if (kind === "event" && name === "page_hidden") sight(tab, false, at_ms);
    else if (kind === "event" && data.path !== undefined) {
      if (!open.has(tab)) begin(tab, seq, at_ms, data.page?.kind === "product");
      if (name === "page_visible") sight(tab, true, at_ms);
    }
  }
  for (const [tab] of [...open]) close(tab, Infinity);
  return done;
}
