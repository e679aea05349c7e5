// The view of a visitor's state that the engine gives to who asks to inspect it. Times are the server's, in milliseconds.

export interface PageView {
  readonly tab: string;
  readonly visible: boolean;
  /** Absent, as all that follows, for a tab in which no page was reported, such as the console's own. */
  readonly kind?: string;
  readonly path?: string;
  readonly title?: string;
  /** Since when it is in sight; absent while hidden. */
  readonly visible_since_ms?: number;
  readonly opened_at_ms?: number;
  /** Attention up to `visible_since_ms`. */
  readonly engaged_ms?: number;
  readonly product?: { readonly sku: string; readonly name?: string };
}

export interface SessionView {
  readonly number: number;
  readonly started_at_ms: number;
  readonly pages: number;
  readonly events: number;
  readonly product_views: number;
  readonly engaged_ms?: number;
  readonly landing_path?: string;
  readonly referrer?: string;
  readonly campaign?: { readonly source?: string; readonly medium?: string; readonly name?: string };
}

export interface CartView {
  readonly lines: readonly { readonly sku: string; readonly name?: string; readonly price?: number; readonly quantity: number }[];
  readonly value: number;
  readonly count: number;
  readonly currency?: string;
}

export interface ProfileView {
  readonly known: boolean;
  readonly user_id?: string;
  readonly traits?: Readonly<Record<string, unknown>>;
  readonly sessions: number;
  readonly orders: number;
  readonly revenue: number;
}

/** Whom the visitor belongs to, with what all of that user's devices bring together. */
export interface UserView {
  readonly id: string;
  readonly devices: number;
  readonly sessions: number;
  readonly events: number;
  readonly orders: number;
  readonly revenue: number;
  readonly currency?: string;
  readonly last_seen_ms: number;
}

export interface TimerView {
  readonly reason: string;
  readonly rule?: string;
  readonly tab?: string;
  readonly due_at_ms: number;
}

export interface PushView {
  readonly seq: number;
  readonly slot: string;
  readonly rule: string;
  readonly at_ms: number;
  readonly expires_at_ms: number;
}

/** A member without a value is absent, and so is most of it where the site refuses the whole view. */
export interface View {
  readonly visitor?: string;
  readonly site?: string;
  readonly incarnation?: string;
  readonly now_ms?: number;
  readonly stage?: string;
  readonly stages?: readonly string[];
  readonly segments?: readonly string[];
  readonly session?: SessionView;
  readonly page?: PageView;
  readonly tabs?: readonly PageView[];
  readonly cart?: CartView;
  readonly profile?: ProfileView;
  readonly user?: UserView;
  readonly timers?: readonly TimerView[];
  readonly pushes?: readonly PushView[];
  /** How often each rule has fired; those that only set a trait or emit a record are seen nowhere else. */
  readonly fired?: readonly { readonly rule: string; readonly count: number; readonly last_at_ms: number }[];
  readonly rules_version?: number;
  readonly counters?: Readonly<Record<string, number>>;
  readonly recent_events?: readonly { readonly name: string; readonly at_ms: number }[];
}
