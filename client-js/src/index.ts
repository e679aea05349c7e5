// What a storefront imports; importing it does nothing by itself.

export { createFootfall, Footfall } from './client.ts';
export type { Timing } from './connection.ts';
export { TIMING } from './connection.ts';
export type { HeldPush } from './inbox.ts';
export { mergePatch } from './merge.ts';
export type { FootfallEvents, FootfallOptions, PageProperties } from './options.ts';
export * from './protocol.ts';
export { safeUrl, sanitise } from './sanitise.ts';
export { defineSlots } from './widgets.ts';
