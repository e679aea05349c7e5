// Typed listeners; one that throws does not stop the others.

export class Emitter<Events> {
  readonly #listeners = new Map<keyof Events, Set<(detail: never) => void>>();

  /** Listens; the returned function ends it. */
  on<K extends keyof Events>(name: K, listener: (detail: Events[K]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => listeners.delete(listener);
  }

  emit<K extends keyof Events>(name: K, detail: Events[K]): void {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        (listener as (detail: Events[K]) => void)(detail);
      } catch (error) {
        // Reported as any uncaught error of the page is.
        setTimeout(() => {
          throw error;
        });
      }
    }
  }
}
