/** Functions that are told what happens, by the name of what it is. */
export class Emitter<Events extends object> {
  readonly #told = new Map<keyof Events, Set<(e: never) => void>>();

  /** Calls f for each event of that name, until what it returns is called. */
  on<K extends keyof Events>(name: K, f: (e: Events[K]) => void): () => void {
    let all = this.#told.get(name);
    if (!all) this.#told.set(name, (all = new Set()));
    all.add(f);
    return () => void all.delete(f);
  }

  /** One that throws does not keep the others from being told. */
  protected emit<K extends keyof Events>(name: K, e: Events[K]): void {
    for (const f of this.#told.get(name) ?? []) {
      try {
        (f as (e: Events[K]) => void)(e);
      } catch (err) {
        rethrow(err);
      }
    }
  }
}

function rethrow(err: unknown): void {
  queueMicrotask(() => {
    throw err;
  });
}
