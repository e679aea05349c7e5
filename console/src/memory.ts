// What a tab and a browser remember for these pages: in their storage, or in this document alone where that is forbidden or full.

/** Texts by key, in a storage that may be absent or throw, as in sandboxed frames and private windows. */
class Memory {
  readonly #storage: () => Storage;
  /** What the storage did not take. */
  readonly #own = new Map<string, string>();

  constructor(storage: () => Storage) {
    this.#storage = storage;
  }

  get(key: string): string | undefined {
    return this.#own.get(key) ?? this.#attempt((storage) => storage.getItem(key)) ?? undefined;
  }

  set(key: string, text: string): void {
    this.#own.delete(key);
    const kept = this.#attempt((storage) => (storage.setItem(key, text), true));
    if (kept) return;
    // What was there before must not come back with the next document.
    this.remove(key);
    this.#own.set(key, text);
  }

  remove(key: string): void {
    this.#own.delete(key);
    this.#attempt((storage) => storage.removeItem(key));
  }

  #attempt<T>(act: (storage: Storage) => T): T | undefined {
    try {
      return act(this.#storage());
    } catch {
      return undefined;
    }
  }
}

/** Until the tab is closed. */
export const tabMemory = new Memory(() => sessionStorage);
/** For the next visit. */
export const browserMemory = new Memory(() => localStorage);
