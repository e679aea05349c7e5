// The platform's own floor: a Worker and an object that keeps one value of a fixed size for each event, and nothing else.
// Over HTTP, over a WebSocket (each message is answered), and with an alarm that says when it rang.
import { DurableObject } from 'cloudflare:workers';

export class Floor extends DurableObject {
  #bytes = Number(this.env.BYTES);
  #made = Date.now();

  async fetch(request) {
    if (request.headers.get('upgrade') === 'websocket') {
      const { 0: page, 1: own } = new WebSocketPair();
      this.ctx.acceptWebSocket(own);
      return new Response(null, { status: 101, webSocket: page });
    }
    if (request.method === 'GET') return Response.json({ made: this.#made });
    this.#keep(new Uint8Array(await request.arrayBuffer()));
    return new Response(null, { status: 204 });
  }

  async webSocketMessage(socket, message) {
    if (message.startsWith('alarm ')) {
      const due = Date.now() + Number(message.slice(6));
      this.ctx.storage.put('due', due);
      await this.ctx.storage.setAlarm(due);
      return;
    }
    this.#keep(new TextEncoder().encode(message));
    socket.send('{"type":"ack"}');
  }

  async alarm() {
    const due = await this.ctx.storage.get('due');
    for (const socket of this.ctx.getWebSockets()) socket.send(JSON.stringify({ type: 'rang', due }));
  }

  // The platform holds the answer back until it is on disk.
  #keep(body) {
    const value = new Uint8Array(this.#bytes);
    value.set(body.length > value.length ? body.subarray(0, value.length) : body);
    this.ctx.storage.put('value', value);
  }
}

export default {
  fetch(request, env) {
    const { pathname } = new URL(request.url);
    return env.OBJECT.getByName(pathname).fetch(request);
  },
};
