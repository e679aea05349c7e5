// The Worker's entry: what worker-build makes, with the visitors' class as the runtime has to see it.

import { DurableObject } from "cloudflare:workers";
import Worker, { Limiter, Rulebook, User, Visitor as Engine } from "./index.js";

export { Limiter, Rulebook, User };
const { begin, queue } = Worker.prototype;

/** Answers a request. What the answer waits for is awaited here: see answering.rs. */
const fetch = async (request, env) => {
  let answer = begin(request, env);
  while (!(answer instanceof Response)) {
    let value;
    try {
      value = await answer.promise;
    } catch (reason) {
      answer = answer.rejected(reason);
      continue;
    }
    answer = answer.fulfilled(value);
  }
  return answer;
};

/** The handlers in a plain object: of a class the runtime would make an instance for each request. */
export default {
  fetch,
  queue: (batch, env, ctx) => queue.call({ env, ctx }, batch),
};

/** The runtime lets the router call methods (`take`) only of a class that extends its own. */
export class Visitor extends DurableObject {
  #engine;

  constructor(state, env) {
    super(state, env);
    this.#engine = new Engine(state, env);
  }

  /** Events of one request: see `Visitor::take` in visitor_object.rs. */
  take(brought) {
    return this.#engine.take(brought);
  }

  fetch(request) {
    return this.#engine.fetch(request);
  }

  alarm() {
    return this.#engine.alarm();
  }

  /** A message that is no text is refused: see `Visitor::receive` in visitor_object.rs. */
  webSocketMessage(socket, message) {
    return this.#engine.receive(socket, typeof message === "string" ? message : undefined);
  }

  webSocketClose(socket, code, reason, clean) {
    return this.#engine.webSocketClose(socket, code, reason, clean);
  }

  webSocketError(socket, error) {
    return this.#engine.webSocketError(socket, error);
  }
}
