// The script tag: `<script src="https://shop.example/footfall.js" data-write-key="…" defer></script>`.

import { createFootfall, Footfall } from './client.ts';
import type { Consent } from './protocol.ts';
import { defineSlots } from './widgets.ts';

declare global {
  interface Window {
    /** The client that the script tag started. */
    footfall?: Footfall;
    /** For pages that start a client by themselves. */
    Footfall?: { createFootfall: typeof createFootfall; defineSlots: typeof defineSlots };
  }
}

const tag = document.currentScript;
window.Footfall = { createFootfall, defineSlots };

if (tag instanceof HTMLScriptElement && tag.dataset.writeKey && !window.footfall) {
  const { writeKey, host, consent, page, autoPage, exitIntent } = tag.dataset;
  window.footfall = createFootfall({
    writeKey,
    host: host ?? new URL(tag.src, location.href).origin,
    ...(isConsent(consent) && { consent }),
    ...(page !== undefined && { kind: page }),
    autoPage: autoPage !== 'false',
    exitIntent: exitIntent !== undefined && exitIntent !== 'false',
  });
  defineSlots(window.footfall);
}

function isConsent(value: string | undefined): value is Consent {
  return value === 'unknown' || value === 'granted' || value === 'denied';
}
