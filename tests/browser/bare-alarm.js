// An object with nothing but an alarm: what the platform's own lateness is measured on.

import { DurableObject } from "cloudflare:workers";

export class BareAlarm extends DurableObject {
  async fetch(request) {
    const due_ms = new URL(request.url).searchParams.get("due");
    if (due_ms !== null) await this.ctx.storage.setAlarm(Number(due_ms));
    return Response.json((await this.ctx.storage.get("rang")) ?? null);
  }

  async alarm() {
    await this.ctx.storage.put("rang", Date.now());
  }
}

export default {
  fetch(request, env) {
    return env.ALARM.getByName("one").fetch(request);
  },
};
