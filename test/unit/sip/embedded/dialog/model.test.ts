import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ending } from '../../../../../src/core/ending.ts';
import type { SipMessage, SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import { FakeWire } from '../fake-wire.ts';
import { answerTo, invite, offer, request, toTagOf } from '../messages.ts';
import { answerSdp, settle, World } from '../world.ts';

/** Everything that may happen to a call, in any order and any number. Numbers choose among what is there. */
const steps = [
  'invite again',
  'ring',
  'progress',
  'answer',
  'reject',
  'hang up',
  'reoffer',
  'ack',
  'ack of a re-INVITE',
  'prack',
  'cancel',
  'cancel the re-INVITE',
  'bye',
  're-INVITE',
  're-INVITE without SDP',
  'update',
  'update without SDP',
  'info',
  'decide',
  'decide no',
  'say yes',
  'say 100',
  'say 491',
  'say 481',
  'reset',
  'reconnect',
  '100 ms',
  '5 s',
  '40 s',
] as const;
type Step = (typeof steps)[number];

const contact = '<sip:alice@pbx.example;transport=tcp>';

/** One caller, one call, and everything that was said between them. */
class Run {
  readonly world: World;
  readonly heard: SipMessage[] = [];
  readonly invitation: string;
  wire: FakeWire;
  toTag: string | undefined;
  cseq = 1;
  reinvites: number[] = [];
  #asked: ((answer: { sdp: string } | { status: 488; reason: string }) => void)[] = [];

  constructor(reliable: boolean, late: boolean) {
    this.world = new World({ limits: { ownReofferMs: 20_000 } });
    this.wire = this.world.wire;
    const headers = ['Session-Expires: 90', 'Supported: timer', 'Allow: INVITE, ACK, BYE, CANCEL'];
    if (reliable) headers.push('Require: 100rel');
    this.invitation = invite({ contact, headers, ...(late ? { body: '' } : {}) });
    this.wire.receive(this.invitation);
    this.world.call.onReoffer = () =>
      new Promise(resolve => {
        this.#asked.push(resolve);
      });
    this.listen();
  }

  listen(): void {
    for (const message of this.wire.take()) {
      this.heard.push(message);
      if (message.kind === 'response' && message.status > 100 && message.headers.get('CSeq') === '1 INVITE') {
        this.toTag ??= toTagOf(message);
      }
    }
  }

  send(text: string): void {
    if (!this.wire.gone) this.wire.receive(text);
  }

  /** A request of the caller inside the dialogue, as soon as there is one. */
  inside(method: string, more: { body?: string; headers?: string[] } = {}): number {
    if (this.toTag === undefined) return 0;
    this.cseq++;
    const { toTag, cseq } = this;
    this.send(request(method, { contact, toTag, cseq, branch: `z9hG4bKc${cseq}`, ...more }));
    return cseq;
  }

  ack(cseq: number, status: number): void {
    const branch = status < 300 ? `z9hG4bKack${cseq}` : cseq === 1 ? 'z9hG4bKinvite' : `z9hG4bKc${cseq}`;
    this.send(request('ACK', { contact, toTag: this.toTag, cseq, branch, body: offer }));
  }

  ours(): SipRequest | undefined {
    return this.heard.findLast(
      (each): each is SipRequest => each.kind === 'request' && each.method !== 'ACK',
    );
  }

  reply(status: number): void {
    const ours = this.ours();
    if (ours === undefined) return;
    const answer = answerTo(ours, status);
    const body = `Contact: ${contact}\r\nContent-Type: application/sdp\r\nContent-Length: ${offer.length}\r\n\r\n${offer}`;
    const full = status === 200 && ours.method === 'INVITE';
    this.send(full ? answer.replace('Content-Length: 0\r\n\r\n', body) : answer);
  }

  decide(answer: { sdp: string } | { status: 488; reason: string }): void {
    this.#asked.shift()?.(answer);
  }

  prack(): void {
    const reliable = this.heard.findLast(each => each.kind === 'response' && each.headers.has('RSeq'));
    if (reliable !== undefined)
      this.inside('PRACK', { headers: [`RAck: ${reliable.headers.get('RSeq')} 1 INVITE`] });
  }

  async step(step: Step): Promise<void> {
    this.#do(step);
    await settle();
    this.listen();
  }

  #do(step: Step): void {
    const { world } = this;
    const { call } = world;
    switch (step) {
      case 'invite again':
        return this.send(this.invitation);
      case 'ring':
        return call.ring();
      case 'progress':
        return call.progress(answerSdp);
      case 'answer':
        return void call.answer(answerSdp);
      case 'reject':
        return call.reject(486, ending('over-capacity'));
      case 'hang up':
        return call.hangup(ending('agent-ended-call'));
      case 'reoffer':
        return void call.reoffer(() => answerSdp);
      case 'ack':
        return this.ack(1, 200);
      case 'ack of a re-INVITE': {
        const cseq = this.reinvites.at(-1);
        return cseq === undefined ? undefined : this.ack(cseq, 200);
      }
      case 'prack':
        return this.prack();
      case 'cancel':
        return this.send(request('CANCEL', { contact }));
      case 'cancel the re-INVITE': {
        const cseq = this.reinvites.at(-1);
        if (cseq === undefined) return;
        return this.send(request('CANCEL', { contact, toTag: this.toTag, cseq, branch: `z9hG4bKc${cseq}` }));
      }
      case 'bye':
        return void this.inside('BYE');
      case 're-INVITE':
        return void this.reinvites.push(this.inside('INVITE', { body: offer }));
      case 're-INVITE without SDP':
        return void this.reinvites.push(this.inside('INVITE'));
      case 'update':
        return void this.inside('UPDATE', { body: offer });
      case 'update without SDP':
        return void this.inside('UPDATE');
      case 'info':
        return void this.inside('INFO');
      case 'decide':
        return this.decide({ sdp: answerSdp });
      case 'decide no':
        return this.decide({ status: 488, reason: 'No' });
      case 'say yes':
        return this.reply(200);
      case 'say 100':
        return this.reply(100);
      case 'say 491':
        return this.reply(491);
      case 'say 481':
        return this.reply(481);
      case 'reset':
        return this.wire.reset();
      case 'reconnect':
        if (!this.wire.gone) return;
        this.wire = new FakeWire({ port: 40_000 + this.heard.length });
        world.stack.attach(this.wire);
        return;
      case '100 ms':
        return world.clock.advance(100);
      case '5 s':
        return world.clock.advance(5_000);
      case '40 s':
        return world.clock.advance(40_000);
    }
  }

  /** Statuses of the final responses to each request of the caller; a copy that comes too late is a new one, by its tag. */
  finals(): Map<string, Set<number>> {
    const finals = new Map<string, Set<number>>();
    for (const message of this.heard) {
      if (message.kind !== 'response' || message.status < 200) continue;
      // The same CANCEL again, long after, is a new request that finds nothing to cancel.
      if (message.headers.get('CSeq')?.endsWith('CANCEL')) continue;
      const key = ['CSeq', 'Via', 'To'].map(name => message.headers.get(name)).join(' ');
      finals.set(key, (finals.get(key) ?? new Set()).add(message.status));
    }
    return finals;
  }
}

const order = fc.array(fc.constantFrom(...steps), { minLength: 1, maxLength: 40 });

async function check(reliable: boolean, late: boolean, sequence: readonly Step[]): Promise<void> {
  const run = new Run(reliable, late);
  const { world } = run;
  for (const step of sequence) {
    await run.step(step);
    // No state without a timer: whatever is not over yet will be, if everybody falls silent.
    const { dialogs, transactions, timers } = world.stack.stats();
    if (dialogs + transactions > 0) expect(timers).toBeGreaterThan(0);
  }
  for (const statuses of run.finals().values()) expect(statuses.size).toBe(1);
  // Silence from here on: the connection is gone, and nobody comes back.
  run.wire.reset();
  for (let i = 0; i < 20; i++) {
    world.clock.advance(20_000);
    await settle();
  }
  for (const call of world.calls) expect(await world.outcome(call)).not.toBe('still up');
  expect(world.stack.stats()).toEqual({ connections: 0, transactions: 0, dialogs: 0, timers: 0 });
  expect(world.clock.pending).toBe(0);
}

describe('a call to which anything happens in any order', () => {
  it.each([
    [false, false],
    [true, false],
    [false, true],
    [true, true],
  ])('ends, with one final answer a request (reliable %s, late offer %s)', async (reliable, late) => {
    await fc.assert(
      fc.asyncProperty(order, sequence => check(reliable, late, sequence)),
      // A bounded number here, many more in long runs.
      { numRuns: process.env['TRUNKBRIDGE_LONG'] === undefined ? 300 : 20_000 },
    );
  });
});
