// The parts of the panel: each turns one slice of the state into elements.

import { amount, h, words } from './dom.ts';
import type { PageView, View } from './state.ts';

export interface Section {
  readonly title: string;
  readonly name: string;
  /** What the section is made of: it is drawn again only when this changes. */
  slice(view: View): unknown;
  draw(view: View): readonly HTMLElement[];
}

const quiet = (text: string): HTMLElement => h('p', 'fp-quiet', text);

/** An element whose text the panel's clock keeps current. */
const ticking = (attribute: string, value: number, className = 'fp-number'): HTMLElement => h('span', className, [], { [attribute]: String(value) });

function journey(view: View): readonly HTMLElement[] {
  const stages = view.stages ?? (view.stage ? [view.stage] : []);
  const at = stages.indexOf(view.stage ?? '');
  if (stages.length === 0) return [quiet('No stage yet.')];
  const stops = stages.map((stage, index) =>
    h('li', index < at ? 'past' : index === at ? 'here' : '', [h('span', '', words(stage))], index === at ? { 'aria-current': 'step' } : {}),
  );
  return [h('ol', 'fp-journey', stops)];
}

/** The newest page; the console's own tab has none, and then it is another tab's. */
function pageOf(view: View): PageView | undefined {
  if (view.page?.kind !== undefined) return view.page;
  const open = (view.tabs ?? []).filter((tab) => tab.kind !== undefined);
  return open.reduce<PageView | undefined>((newest, tab) => ((tab.opened_at_ms ?? 0) > (newest?.opened_at_ms ?? -1) ? tab : newest), undefined);
}

function attention(view: View): readonly HTMLElement[] {
  const page = pageOf(view);
  if (!page) return [quiet('No page is open.')];
  const since = page.visible_since_ms;
  const attributes: Record<string, string> = { 'data-engaged': String(page.engaged_ms ?? 0) };
  if (since !== undefined) attributes['data-since'] = String(since);
  return [
    h('div', 'fp-attention', [
      h('span', `fp-clock${page.visible ? '' : ' paused'}`, [], attributes),
      h('span', 'fp-quiet', page.visible ? 'attention on this page' : 'paused: the tab is hidden'),
    ]),
    h('p', 'fp-where', [h('b', '', words(page.kind ?? 'page')), h('code', '', page.path ?? ''), page.product?.name ? h('span', '', page.product.name) : undefined]),
  ];
}

const REASONS: Readonly<Record<string, string>> = {
  dwell: 'Attention reached',
  absence: 'Absence reached',
  start: 'Rule starts',
  session_end: 'Session ends',
  flush: 'Records are flushed',
  retention: 'Visitor is deleted',
  lapse: 'Visitor lapses',
};

function timers(view: View): readonly HTMLElement[] {
  const list = [...(view.timers ?? [])].sort((a, b) => a.due_at_ms - b.due_at_ms);
  if (list.length === 0) return [quiet('Nothing is pending: the object can sleep.')];
  const rows = list.map((timer) => {
    const key = `${timer.reason}/${timer.rule ?? ''}/${timer.tab ?? ''}`;
    return h('li', timer.rule ? 'rule' : '', [
      h('span', 'fp-what', [REASONS[timer.reason] ?? words(timer.reason), ' ', timer.rule ? h('em', '', timer.rule) : undefined]),
      ticking('data-due', timer.due_at_ms),
      h('i', 'fp-bar', [], { 'data-bar': String(timer.due_at_ms), 'data-key': key }),
    ]);
  });
  return [h('ul', 'fp-timers', rows)];
}

function segments(view: View): readonly HTMLElement[] {
  const list = view.segments ?? [];
  if (list.length === 0) return [quiet('In no segment.')];
  return [h('ul', 'fp-chips', list.map((segment) => h('li', '', words(segment))))];
}

function pushes(view: View): readonly HTMLElement[] {
  const list = [...(view.pushes ?? [])].sort((a, b) => b.seq - a.seq);
  if (list.length === 0) return [quiet('Nothing was pushed.')];
  const rows = list.map((push) =>
    h('li', '', [h('b', 'fp-number', `#${push.seq}`), h('span', 'fp-what', [push.rule, ' ', h('em', '', push.slot)]), ticking('data-left', push.expires_at_ms)]),
  );
  return [h('ul', 'fp-rows', rows)];
}

function fired(view: View): readonly HTMLElement[] {
  const list = [...(view.fired ?? [])].sort((a, b) => b.last_at_ms - a.last_at_ms);
  if (list.length === 0) return [quiet('None so far.')];
  const rows = list.map((firing) =>
    h('li', '', [h('b', 'fp-number', `${firing.count}×`), h('span', 'fp-what', firing.rule), ticking('data-ago', firing.last_at_ms)]),
  );
  return [h('ul', 'fp-rows', rows)];
}

function cart(view: View): readonly HTMLElement[] {
  const held = view.cart;
  if (!held || held.count === 0) return [quiet('Empty.')];
  const rows = held.lines.map((line) =>
    h('li', '', [
      h('b', 'fp-number', `${line.quantity}×`),
      h('span', 'fp-what', line.name || line.sku),
      h('span', 'fp-number', line.price === undefined ? '' : amount(line.price * line.quantity, held.currency)),
    ]),
  );
  const total = h('li', 'total', [h('b', 'fp-number', `${held.count}`), h('span', 'fp-what', 'in all'), h('span', 'fp-number', amount(held.value, held.currency))]);
  return [h('ul', 'fp-rows', [...rows, total])];
}

function facts(list: readonly (readonly [string, string | HTMLElement | undefined])[]): HTMLElement {
  const rows = list.filter(([, value]) => value !== undefined && value !== '');
  return h('dl', 'fp-facts', rows.map(([name, value]) => h('div', '', [h('dt', '', name), h('dd', '', [value])])));
}

function session(view: View): readonly HTMLElement[] {
  const now = view.session;
  if (!now) return [quiet('No session: the visitor is away.')];
  const { campaign } = now;
  return [
    facts([
      ['Session', `#${now.number}`],
      ['Pages', String(now.pages)],
      ['Events', String(now.events)],
      ['Products seen', String(now.product_views)],
      ['Began', ticking('data-ago', now.started_at_ms, '')],
      ['Landed on', now.landing_path],
      ['Came from', now.referrer],
      ['Campaign', campaign ? [campaign.source, campaign.medium, campaign.name].filter(Boolean).join(' / ') : undefined],
    ]),
  ];
}

function profile(view: View): readonly HTMLElement[] {
  const held = view.profile;
  if (!held) return [quiet('Nothing is kept.')];
  const traits = Object.entries(held.traits ?? {}).map(([name, value]) => [words(name), String(value)] as const);
  return [
    facts([
      ['Known', held.known ? 'yes' : 'no'],
      ['User', held.user_id],
      ['Sessions', String(held.sessions)],
      ['Orders', String(held.orders)],
      ['Revenue', held.orders > 0 ? amount(held.revenue, view.cart?.currency) : undefined],
      ...traits,
    ]),
  ];
}

function user(view: View): readonly HTMLElement[] {
  const held = view.user;
  if (!held?.id) return [quiet('Belongs to no user.')];
  return [
    facts([
      ['User', held.id],
      ['Devices', String(held.devices)],
      ['Sessions', String(held.sessions)],
      ['Events', String(held.events)],
      ['Orders', String(held.orders)],
      ['Revenue', held.orders > 0 ? amount(held.revenue, held.currency) : undefined],
      ['Seen', held.last_seen_ms > 0 ? ticking('data-ago', held.last_seen_ms, '') : undefined],
    ]),
  ];
}

/** Whichever way the engine orders them; those of one moment stay in the order that follows from it. */
function newestFirst<T extends { readonly at_ms: number }>(list: readonly T[]): readonly T[] {
  const first = list[0]?.at_ms ?? 0;
  return first < (list.at(-1)?.at_ms ?? 0) || first === 0 ? [...list].reverse() : list;
}

function events(view: View): readonly HTMLElement[] {
  const list = newestFirst(view.recent_events ?? []).slice(0, 12);
  if (list.length === 0) return [quiet('None yet.')];
  return [h('ul', 'fp-events', list.map((event) => h('li', '', [h('code', '', event.name), ticking('data-ago', event.at_ms)])))];
}

function engine(view: View): readonly HTMLElement[] {
  const counted = Object.entries(view.counters ?? {}).filter(([, count]) => count > 0);
  return [
    facts([
      ['Rules version', view.rules_version === undefined ? undefined : String(view.rules_version)],
      ['Open tabs', view.tabs && String(view.tabs.length)],
      ['Incarnation', view.incarnation?.slice(0, 8)],
      ...counted.map(([name, count]) => [words(name), String(count)] as const),
    ]),
  ];
}

export const SECTIONS: readonly Section[] = [
  { title: 'Stage', name: 'stage', slice: (view) => [view.stage, view.stages], draw: journey },
  { title: 'Page', name: 'page', slice: (view) => pageOf(view), draw: attention },
  { title: 'Timers', name: 'timers', slice: (view) => view.timers, draw: timers },
  { title: 'Segments', name: 'segments', slice: (view) => view.segments, draw: segments },
  { title: 'Pushes', name: 'pushes', slice: (view) => view.pushes, draw: pushes },
  { title: 'Rules that fired', name: 'fired', slice: (view) => view.fired, draw: fired },
  { title: 'Cart', name: 'cart', slice: (view) => view.cart, draw: cart },
  { title: 'Events', name: 'events', slice: (view) => view.recent_events, draw: events },
  { title: 'Session', name: 'session', slice: (view) => view.session, draw: session },
  { title: 'Profile', name: 'profile', slice: (view) => [view.profile, view.cart?.currency], draw: profile },
  { title: 'User', name: 'user', slice: (view) => view.user, draw: user },
  { title: 'Engine', name: 'engine', slice: (view) => [view.rules_version, view.counters, view.tabs?.length, view.incarnation], draw: engine },
];
