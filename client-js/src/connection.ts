// Keeps one WebSocket to the visitor's object: hello, heartbeat, reconnecting. Knows nothing of the page.

import { BACKOFF_FIRST_MS, backoffMs } from './backoff.ts';
import { type ClientMessage, decode, type Hello, type ServerMessage, SUBPROTOCOL } from './protocol.ts';

/** All waiting times of the client, in milliseconds; tests shorten them. */
export interface Timing {
  /** Between two pings. */
  readonly pingMs: number;
  /** From a ping to giving the socket up. */
  readonly pongMs: number;
  /** From the upgrade request to giving it up. */
  readonly openMs: number;
  /** After so long an open socket counts as stable, and the back-off begins anew. */
  readonly stableMs: number;
  /** The first ceiling of the back-off. */
  readonly backoffMs: number;
  /** How long events are collected for one frame. */
  readonly batchMs: number;
  /** Without a socket for so long, events go over plain HTTP. */
  readonly fallbackMs: number;
  /** Without a socket, a page with nothing to send asks so often what was pushed. */
  readonly askMs: number;
  /** Without an acknowledgement for so long, the socket is taken for dead. */
  readonly ackMs: number;
}

export const TIMING: Timing = {
  pingMs: 25_000,
  pongMs: 10_000,
  openMs: 10_000,
  stableMs: 10_000,
  backoffMs: BACKOFF_FIRST_MS,
  batchMs: 100,
  fallbackMs: 3_000,
  askMs: 25_000,
  ackMs: 15_000,
};

export interface ConnectionHandlers {
  /** Where to connect. */
  url(): string;
  /** The visitor's token; nothing is opened without one. */
  token(): string | undefined;
  hello(): Hello;
  message(message: ServerMessage): void;
  /** The socket is gone. `failures` counts attempts in a row that never reached `welcome`. */
  closed(code: number, failures: number): void;
}

export class Connection {
  readonly #handlers: ConnectionHandlers;
  readonly #timing: Timing;
  readonly #random: () => number;
  #socket: WebSocket | undefined;
  #wanted = false;
  #ready = false;
  #attempt = 0;
  #failures = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #ping: ReturnType<typeof setTimeout> | undefined;
  #deadline: ReturnType<typeof setTimeout> | undefined;
  #stable: ReturnType<typeof setTimeout> | undefined;

  constructor(handlers: ConnectionHandlers, timing: Timing = TIMING, random: () => number = Math.random) {
    this.#handlers = handlers;
    this.#timing = timing;
    this.#random = random;
  }

  /** Whether the server has welcomed this socket: events may go over it. */
  get ready(): boolean {
    return this.#ready;
  }

  start(): void {
    this.#wanted = true;
    if (!this.#socket && this.#retry === undefined) this.#open();
  }

  /** Connects now when it would otherwise wait. */
  hurry(): void {
    if (!this.#wanted || this.#socket) return;
    this.#attempt = 0;
    this.#open();
  }

  /** Ends the socket and stays away until `start`. */
  stop(): void {
    this.#wanted = false;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#drop(1000);
  }

  /** Gives this socket up for a new one, as after a lost acknowledgement. */
  restart(): void {
    if (this.#socket) this.#lost(4000);
  }

  send(message: ClientMessage): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    const token = this.#handlers.token();
    if (token === undefined) return;
    const socket = new WebSocket(this.#handlers.url(), [SUBPROTOCOL, `token.${token}`]);
    this.#socket = socket;
    this.#deadline = setTimeout(() => this.restart(), this.#timing.openMs);
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.send(this.#handlers.hello());
      this.#schedulePing();
    };
    socket.onmessage = ({ data }: MessageEvent<unknown>) => {
      if (socket === this.#socket && typeof data === 'string') this.#receive(data);
    };
    socket.onclose = ({ code }) => {
      if (socket === this.#socket) this.#lost(code);
    };
  }

  #receive(data: string): void {
    if (data === 'pong') {
      clearTimeout(this.#deadline);
      this.#schedulePing();
      return;
    }
    const message = decode(data);
    if (!message) return;
    if (message.type === 'welcome') {
      clearTimeout(this.#deadline);
      this.#ready = true;
      this.#failures = 0;
      this.#stable = setTimeout(() => {
        this.#attempt = 0;
      }, this.#timing.stableMs);
    }
    this.#handlers.message(message);
  }

  #schedulePing(): void {
    clearTimeout(this.#ping);
    this.#ping = setTimeout(() => {
      if (this.#socket?.readyState !== WebSocket.OPEN) return;
      this.#socket.send('ping');
      clearTimeout(this.#deadline);
      this.#deadline = setTimeout(() => this.restart(), this.#timing.pongMs);
    }, this.#timing.pingMs);
  }

  #lost(code: number): void {
    if (!this.#ready) this.#failures += 1;
    this.#drop(code);
    if (this.#wanted) {
      const wait = backoffMs(this.#attempt, this.#random, this.#timing.backoffMs);
      this.#attempt += 1;
      this.#retry = setTimeout(() => this.#open(), wait);
    }
    this.#handlers.closed(code, this.#failures);
  }

  #drop(code: number): void {
    for (const timer of [this.#ping, this.#deadline, this.#stable]) clearTimeout(timer);
    const socket = this.#socket;
    this.#socket = undefined;
    this.#ready = false;
    if (socket && socket.readyState < WebSocket.CLOSING) socket.close(code === 1000 || code >= 4000 ? code : 1000);
  }
}
