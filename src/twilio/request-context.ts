import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * What the SDK's requests have to know and its interface cannot carry. Node 20 makes every promise of the thread pay for as
 * long as a storage is in use, so it is in use only while a request is running.
 */
export class RequestContext<T> {
  readonly #storage = new AsyncLocalStorage<T>();
  #running = 0;

  get current(): T | undefined {
    return this.#storage.getStore();
  }

  async run<R>(value: T, work: () => Promise<R>): Promise<R> {
    this.#running += 1;
    try {
      return await this.#storage.run(value, work);
    } finally {
      this.#running -= 1;
      if (this.#running === 0) this.#storage.disable();
    }
  }
}
