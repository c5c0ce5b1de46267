/**
 * What a bad network does to datagrams, as a scheduler on virtual time: whoever uses it says when a packet is sent and
 * asks what has arrived by when. Everything is decided by one seeded generator, so a run can be repeated to the bit.
 */
export interface ImpairmentSettings {
  readonly seed: number;
  /** Share of packets lost, each by itself: 0..1. */
  readonly loss?: number;
  /** Losses in bursts (Gilbert): chance that one begins with a packet, and number of packets in a row. */
  readonly burst?: { readonly chance: number; readonly packets: number };
  /** Delay of every packet, ms. */
  readonly delayMs?: number;
  /** Delay of each packet varies by up to this much either way, uniformly, ms. Packets may overtake each other. */
  readonly jitterMs?: number;
  /** Share of packets that are held back by `reorderMs`, so that later ones overtake them. */
  readonly reorder?: number;
  readonly reorderMs?: number;
  /** Share of packets that arrive twice, the second time up to 30 ms later. */
  readonly duplicate?: number;
}

interface Scheduled<T> {
  readonly at: number;
  readonly order: number;
  readonly packet: T;
}

/** Seeded generator of 0 up to, not including, 1 (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000;
  };
}

export class Impairment<T> {
  #settings: ImpairmentSettings;
  readonly #random: () => number;
  #underway: Scheduled<T>[] = [];
  #order = 0;
  #burstLeft = 0;
  /** What was done so far. */
  readonly counts = { sent: 0, lost: 0, duplicated: 0, reordered: 0 };

  constructor(settings: ImpairmentSettings) {
    this.#settings = settings;
    this.#random = seededRandom(settings.seed);
  }

  /** Changes what is done to packets sent from now on; the seed is left as it was. */
  change(settings: Omit<ImpairmentSettings, 'seed'>): void {
    this.#settings = { ...settings, seed: this.#settings.seed };
  }

  /** A packet enters the network. */
  send(packet: T, nowMs: number): void {
    const { loss = 0, burst, duplicate = 0 } = this.#settings;
    this.counts.sent++;
    if (this.#burstLeft === 0 && burst !== undefined && this.#random() < burst.chance)
      this.#burstLeft = burst.packets;
    const lost = this.#random() < loss;
    if (this.#burstLeft > 0 || lost) {
      if (this.#burstLeft > 0) this.#burstLeft--;
      this.counts.lost++;
      return;
    }
    const at = nowMs + this.#delay();
    this.#schedule(packet, at);
    if (this.#random() >= duplicate) return;
    this.counts.duplicated++;
    this.#schedule(packet, at + this.#random() * 30);
  }

  /** Hands over everything that has arrived by `nowMs`, in order of arrival. */
  deliver(nowMs: number, receive: (packet: T, atMs: number) => void): void {
    const due = this.#underway.filter(each => each.at <= nowMs);
    this.#underway = this.#underway.filter(each => each.at > nowMs);
    due.sort((a, b) => a.at - b.at || a.order - b.order);
    for (const each of due) receive(each.packet, each.at);
  }

  #delay(): number {
    const { delayMs = 0, jitterMs = 0, reorder = 0, reorderMs = 25 } = this.#settings;
    const varied = delayMs + (this.#random() * 2 - 1) * jitterMs;
    if (this.#random() >= reorder) return Math.max(0, varied);
    this.counts.reordered++;
    return Math.max(0, varied) + reorderMs;
  }

  #schedule(packet: T, at: number): void {
    this.#underway.push({ at, order: this.#order++, packet });
  }
}
