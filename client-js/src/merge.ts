// JSON Merge Patch (RFC 7396), as state changes arrive.

import { isObject, type Json, type JsonObject } from './protocol.ts';

/** The target with the patch applied; neither is changed. */
export function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: Record<string, Json | undefined> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else if (value !== undefined) {
      // Defined, not assigned, so that a member called `__proto__` is only a member.
      Object.defineProperty(merged, key, {
        value: mergePatch(Object.hasOwn(merged, key) ? merged[key] : undefined, value),
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
  }
  return merged as JsonObject;
}
