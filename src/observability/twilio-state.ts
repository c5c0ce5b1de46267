import { Gauge, type Registry } from 'prom-client';

const states = ['active', 'error', 'disconnected'] as const;

/** How the connection to Twilio stands: 1 for the state that it is in. */
export class TwilioState {
  #read: (() => (typeof states)[number]) | undefined;

  constructor(registry: Registry, prefix: string) {
    const read = () => this.#read?.();
    new Gauge({
      name: `${prefix}twilio_connection`,
      help: 'State of the connection to Twilio: 1 for active, error (its credentials are not taken) or disconnected',
      labelNames: ['state'],
      registers: [registry],
      collect() {
        const now = read();
        this.reset();
        if (now === undefined) return;
        for (const state of states) this.set({ state }, state === now ? 1 : 0);
      },
    });
  }

  /** Read when metrics are collected. */
  follow(read: () => (typeof states)[number]): void {
    this.#read = read;
  }
}
