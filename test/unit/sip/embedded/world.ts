import { expect } from 'vitest';
import type { Ending } from '../../../../src/core/ending.ts';
import { Failure, fail } from '../../../../src/core/errors.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { type EmbeddedOptions, EmbeddedSignalling } from '../../../../src/sip/embedded/stack.ts';
import type { Dialogue } from '../../../../src/sip/signalling.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeWire } from './fake-wire.ts';
import { invite, offer, type RequestSpec, request, toTagOf } from './messages.ts';

export const answerSdp = offer.replaceAll('192.0.2.10', '192.0.2.1');

/** Lets promises that are settled be heard. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 12; i++) await Promise.resolve();
}

/** A stack on a clock that stands still, and one peer connected to it. */
export class World {
  readonly clock = new ManualClock();
  readonly calls: Dialogue[] = [];
  readonly stack: EmbeddedSignalling;
  readonly wire = new FakeWire();

  constructor(options: Partial<EmbeddedOptions> = {}) {
    this.stack = new EmbeddedSignalling({
      listen: [],
      admit: () => true,
      contactFor: () => ({ host: '203.0.113.5', port: 5060 }),
      clock: this.clock,
      log: silentLogger,
      onInvite: call => void this.calls.push(call),
      onRefused: () => undefined,
      dial: async () => fail(new Failure('connect-failed', 'the test says so')),
      ...options,
    });
    this.stack.attach(this.wire);
  }

  get call(): Dialogue {
    const last = this.calls.at(-1);
    if (last === undefined) throw new Error('no call came');
    return last;
  }

  /** The peer sends; gives what we say to it at once. */
  peer(text: string): (number | string)[] {
    this.wire.receive(text);
    return this.wire.statuses();
  }

  /** An INVITE that was answered and acknowledged; gives our tag. */
  async established(spec: RequestSpec = {}): Promise<string> {
    this.wire.receive(invite(spec));
    const answered = this.call.answer(answerSdp);
    const toTag = toTagOf(this.wire.response());
    this.wire.receive(request('ACK', { toTag, branch: 'z9hG4bKack' }));
    expect((await answered).ok).toBe(true);
    return toTag;
  }

  async outcome(call = this.call): Promise<Ending | 'still up'> {
    await settle();
    const first = await Promise.race([call.ended, settle().then(() => undefined)]);
    return first ?? 'still up';
  }

  /** Ends everything; whatever a test did, nothing of it may be left. */
  async close(): Promise<void> {
    const closing = this.stack.close(0);
    this.clock.advance(100);
    await closing;
    expect(this.stack.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
    expect(this.clock.pending).toBe(0);
  }
}
