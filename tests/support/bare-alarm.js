// The least that an alarm on this runtime can be: what the engine's own lateness is measured against. Runs in workerd.

import { DurableObject } from "cloudflare:workers";

/** Sets its alarm for what a socket asks (milliseconds from now), and says when it rang. */
export class Alarm extends DurableObject {
  async fetch() {
    const [client, server] = Object.values(new WebSocketPair());
    this.ctx.acceptWebSocket(server);
    return new Response(null, { status: 101, webSocket: client });
  }

  async webSocketMessage(socket, text) {
    const due_ms = Date.now() + Number(text);
    await this.ctx.storage.put("due_ms", due_ms);
    await this.ctx.storage.setAlarm(due_ms);
    socket.send(JSON.stringify({ type: "set", due_ms }));
  }

  async alarm() {
    const due_ms = await this.ctx.storage.get("due_ms");
    for (const socket of this.ctx.getWebSockets()) socket.send(JSON.stringify({ type: "rang", due_ms }));
  }
}

export default {
  fetch: (request, env) => env.ALARM.getByName(new URL(request.url).pathname).fetch(request),
};
