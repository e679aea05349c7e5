// A small engine on loopback for the tests: names visitors, welcomes sockets, records what it is sent.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Hello, JsonObject, Seen, SegmentEvent, ServerMessage } from '../src/protocol.ts';

export const INCARNATION = '7b0a1c9e-52cb-4f0e-8f5e-3a2d1b0c9f88';

export interface Peer {
  readonly socket: WebSocket;
  readonly hello: Hello;
  readonly protocols: string;
}

/** Behaviour is changed by setting its members. */
export class TestEngine {
  requiresConsent = false;
  /** Whether frames are acknowledged. */
  acks = true;
  pongs = true;
  /** More events at once come too soon, however long the page waits: the visitor's rate limit. */
  rateMax = Number.POSITIVE_INFINITY;
  refusesSockets = false;
  batchStatus = 200;
  /** What answers to batches reject. */
  rejections: JsonObject[] = [];
  /** How long batches are on their way. */
  batchAfterMs = 0;
  visitorStatus = 200;
  /** Who is named next. */
  visitor = 'v-1';
  token = 'f1.token';
  /** What answers to batches bring for the tab. */
  owed: JsonObject | undefined;
  welcomeAfterMs = 0;
  erasureStatus = 200;
  erasureAfterMs = 0;
  state: JsonObject = { stage: 'new', n: 0 };
  version = 1;
  seq = 0;
  readonly peers: Peer[] = [];
  readonly seen: Seen[] = [];
  readonly visitorRequests: JsonObject[] = [];
  /** The `Authorization` of every request to be forgotten. */
  readonly erasures: (string | undefined)[] = [];
  readonly batches: JsonObject[] = [];
  readonly beacons: JsonObject[] = [];
  /** Files by path, for tests in a browser. */
  readonly files = new Map<string, string>();
  /** Every event that came, repeats too, in order. */
  readonly events: SegmentEvent[] = [];
  readonly #http: Server;
  readonly #sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'footfall.v1' });

  constructor() {
    this.#http = createServer(async (request, response) => {
      const body = await read(request);
      const answer = (status: number, value: JsonObject): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      };
      if (request.url === '/v1/visitor') {
        this.visitorRequests.push(body);
        const known = !this.requiresConsent || body.consent === 'granted';
        answer(this.visitorStatus, this.visitorStatus !== 200 ? {} : known ? { visitor: this.visitor, token: this.token } : { visitor: null, token: null, consent: 'required' });
      } else if (request.url === '/v1/erase') {
        this.erasures.push(request.headers.authorization);
        if (this.erasureAfterMs > 0) await pause(this.erasureAfterMs);
        answer(this.erasureStatus, { erased: this.erasureStatus === 200 });
      } else if (request.url === '/v1/batch') {
        this.batches.push(body);
        if (this.batchAfterMs > 0) await pause(this.batchAfterMs);
        const batch = body.batch as unknown as SegmentEvent[];
        const status = batch.length > this.rateMax ? 429 : this.batchStatus;
        if (status === 200) this.events.push(...batch);
        answer(status, { success: true, accepted: batch.length, rejections: this.rejections, ...(this.owed && { pushes: this.owed }) });
      } else if (request.url?.startsWith('/v1/beacon')) {
        this.beacons.push(body);
        this.events.push(...(body.batch as unknown as SegmentEvent[]));
        answer(200, { success: true });
      } else this.#serveFile(request.url ?? '', response);
    });
    this.#http.on('upgrade', (request, socket, head) => {
      if (this.refusesSockets) socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
      else this.#sockets.handleUpgrade(request, socket, head, (peer) => this.#serve(peer, request.headers['sec-websocket-protocol'] ?? ''));
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#http.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}`;
  }

  send(message: ServerMessage): void {
    this.peers.at(-1)?.socket.send(JSON.stringify(message));
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets.clients) socket.terminate();
    this.#http.closeAllConnections();
    await new Promise((resolve) => this.#http.close(resolve));
  }

  #serveFile(url: string, response: ServerResponse): void {
    const path = url.split('?', 1)[0] ?? '';
    const type = path.endsWith('.js') ? 'text/javascript' : 'text/html';
    const text = this.files.get(path);
    response.writeHead(text === undefined ? 404 : 200, { 'content-type': `${type}; charset=utf-8` }).end(text);
  }

  #serve(socket: WebSocket, protocols: string): void {
    socket.on('message', (data) => {
      const text = String(data);
      if (text === 'ping') {
        if (this.pongs) socket.send('pong');
        return;
      }
      const message = JSON.parse(text) as Hello | Seen | { type: 'events'; frame: number; events: SegmentEvent[] };
      if (message.type === 'seen') {
        this.seen.push(message);
        return;
      }
      if (message.type === 'hello') {
        this.peers.push({ socket, hello: message, protocols });
        const { seq, version, state } = this;
        setTimeout(() => this.send({ type: 'welcome', protocol: 1, incarnation: INCARNATION, seq, version, state }), this.welcomeAfterMs);
        return;
      }
      if (message.events.length > this.rateMax) {
        this.send({ type: 'nack', frame: message.frame, code: 'rate_limited', message: 'too many', retry_after_ms: 1 });
        return;
      }
      this.events.push(...message.events);
      if (this.acks) this.send({ type: 'ack', frame: message.frame, accepted: message.events.length });
    });
  }
}

async function read(request: IncomingMessage): Promise<JsonObject> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return JSON.parse(Buffer.concat(chunks).toString() || '{}') as JsonObject;
}

/** Waits until something holds, at most two seconds. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (let at = 0; at < 400; at += 1) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never: ${what}`);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
