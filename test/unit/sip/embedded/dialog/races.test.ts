import { afterEach, describe, expect, it } from 'vitest';
import { type EndingReason, ending } from '../../../../../src/core/ending.ts';
import type { SipMessage } from '../../../../../src/sip/embedded/message/message.ts';
import { acceptingParty } from '../../../../support/accepting-party.ts';
import { answerTo, invite, offer, type RequestSpec, request, toTagOf } from '../messages.ts';
import { answerSdp, settle, World } from '../world.ts';

const phases = ['before 100', 'after 18x', 'after 200 before ACK', 'confirmed', 'during BYE'] as const;
const events = ['CANCEL', 'BYE', 're-INVITE', 'UPDATE', 'connection reset', 'timer'] as const;
type Phase = (typeof phases)[number];
type Event = (typeof events)[number];

interface Cell {
  /** What the caller gets for it. */
  readonly says: readonly (number | string)[];
  /** How the call ends once the caller has done what is left to do: ACK, and BYE where the call is still up. */
  readonly ends: EndingReason;
}

/** One row a phase, one column an event. */
const matrix: Record<Phase, Record<Event, Cell>> = {
  'before 100': {
    CANCEL: { says: [100, 200, 487], ends: 'caller-cancelled' },
    // Without our tag these can only be strays (RFC 3261 section 15.1.2, RFC 3311 section 5.2).
    BYE: { says: [100, 481], ends: 'caller-hung-up' },
    // A second INVITE without our tag is no re-INVITE: it is a call of its own.
    're-INVITE': { says: [100, 100], ends: 'caller-hung-up' },
    UPDATE: { says: [100, 481], ends: 'caller-hung-up' },
    'connection reset': { says: [100], ends: 'connection-lost' },
    timer: { says: [100, 480], ends: 'ring-timeout' },
  },
  'after 18x': {
    CANCEL: { says: [200, 487], ends: 'caller-cancelled' },
    BYE: { says: [200, 487], ends: 'caller-hung-up' },
    // RFC 3261 section 14.2: the first INVITE has no final response yet.
    're-INVITE': { says: [500], ends: 'caller-hung-up' },
    // RFC 3311 section 5.2: the first offer has no answer yet.
    UPDATE: { says: [500], ends: 'caller-hung-up' },
    'connection reset': { says: [], ends: 'connection-lost' },
    timer: { says: [480], ends: 'ring-timeout' },
  },
  'after 200 before ACK': {
    // RFC 3261 section 9.2: it comes too late to have an effect.
    CANCEL: { says: [200], ends: 'caller-hung-up' },
    BYE: { says: [200], ends: 'caller-hung-up' },
    're-INVITE': { says: [491], ends: 'caller-hung-up' },
    UPDATE: { says: [491], ends: 'caller-hung-up' },
    'connection reset': { says: [], ends: 'ack-timeout' },
    timer: { says: [...Array(10).fill(200), 'BYE'], ends: 'ack-timeout' },
  },
  confirmed: {
    CANCEL: { says: [200], ends: 'caller-hung-up' },
    BYE: { says: [200], ends: 'caller-hung-up' },
    're-INVITE': { says: [100, 200], ends: 'caller-hung-up' },
    UPDATE: { says: [200], ends: 'caller-hung-up' },
    'connection reset': { says: [], ends: 'connection-lost' },
    // The session timer: nobody has refreshed the session.
    timer: { says: ['BYE'], ends: 'session-expired' },
  },
  'during BYE': {
    CANCEL: { says: [200], ends: 'agent-ended-call' },
    BYE: { says: [200], ends: 'agent-ended-call' },
    're-INVITE': { says: [481], ends: 'agent-ended-call' },
    UPDATE: { says: [481], ends: 'agent-ended-call' },
    'connection reset': { says: [], ends: 'agent-ended-call' },
    timer: { says: [], ends: 'agent-ended-call' },
  },
};

/** A name that cannot be dialled: what needs a connection then waits for the caller, or ends. */
const contact = '<sip:alice@pbx.example;transport=tcp>';
const headers = ['Supported: timer', 'Session-Expires: 90;refresher=uac'];
const first = { contact, headers };

/** The caller: what it has seen, and what it owes. */
class Caller {
  readonly world = new World({ limits: { ringMs: 180_000 } });
  readonly heard: SipMessage[] = [];
  toTag: string | undefined;
  bye: SipMessage | undefined;

  /** Reads what we said, and writes down what has to be answered in the end. */
  read(): (number | string)[] {
    const messages = this.world.wire.take();
    this.heard.push(...messages);
    for (const message of messages) {
      if (message.kind === 'request') this.bye = message;
      else if (this.toTag === undefined && message.status > 100 && message.headers.get('CSeq') === '1 INVITE')
        this.toTag = toTagOf(message);
    }
    return messages.map(message => (message.kind === 'response' ? message.status : message.method));
  }

  send(text: string): void {
    if (!this.world.wire.gone) this.world.wire.receive(text);
  }

  spec(cseq: number): RequestSpec {
    return { ...first, toTag: this.toTag, cseq, branch: `z9hG4bKc${cseq}` };
  }

  /** Does what a caller does that has nothing more in mind. */
  async finish(): Promise<void> {
    const { world } = this;
    const call = world.calls[0];
    for (const one of world.calls.slice(1)) one.reject(486, ending('over-capacity'));
    if (call === undefined) throw new Error('no call came');
    if (this.toTag === undefined) call.ring();
    this.read();
    for (const message of this.heard) {
      if (message.kind !== 'response' || message.status < 200) continue;
      const [number, method] = (message.headers.get('CSeq') ?? '').split(' ');
      if (method !== 'INVITE') continue;
      const cseq = Number(number);
      const branch =
        message.status < 300 ? `z9hG4bKack${number}` : cseq === 1 ? undefined : `z9hG4bKc${number}`;
      this.send(
        request('ACK', { toTag: toTagOf(message), cseq, ...(branch === undefined ? {} : { branch }) }),
      );
    }
    if (this.bye?.kind === 'request') this.send(answerTo(this.bye, 200));
    if ((await world.outcome(call)) === 'still up') this.send(request('BYE', this.spec(90)));
    await settle();
    this.read();
    for (const message of this.heard) {
      // The 487 that a BYE brought the INVITE.
      if (message.kind === 'response' && message.status === 487)
        this.send(request('ACK', { toTag: toTagOf(message) }));
    }
    world.clock.advance(300_000);
    await settle();
  }

  /** Final responses to each INVITE, copies left out. */
  finals(): Map<string, Set<number>> {
    const finals = new Map<string, Set<number>>();
    for (const message of this.heard) {
      const cseq = message.headers.get('CSeq') ?? '';
      if (message.kind !== 'response' || message.status < 200 || !cseq.endsWith('INVITE')) continue;
      finals.set(cseq, (finals.get(cseq) ?? new Set()).add(message.status));
    }
    return finals;
  }
}

async function reach(phase: Phase, caller: Caller): Promise<void> {
  const { world } = caller;
  caller.send(invite(first));
  world.call.onReoffer = () => Promise.resolve({ sdp: answerSdp });
  if (phase === 'before 100') return;
  world.call.ring();
  caller.read();
  if (phase === 'after 18x') return;
  void world.call.answer(answerSdp);
  caller.read();
  if (phase === 'after 200 before ACK') return;
  caller.send(request('ACK', { ...caller.spec(1), branch: 'z9hG4bKack' }));
  await settle();
  if (phase === 'confirmed') return;
  world.call.hangup(ending('agent-ended-call'));
  caller.read();
}

const timers: Record<Phase, number> = {
  'before 100': 180_000,
  'after 18x': 180_000,
  'after 200 before ACK': 32_000,
  confirmed: 60_000,
  'during BYE': 32_000,
};

async function happen(event: Event, phase: Phase, caller: Caller): Promise<void> {
  const { world } = caller;
  switch (event) {
    case 'CANCEL':
      return caller.send(request('CANCEL', { contact, toTag: undefined }));
    case 'BYE':
      return caller.send(request('BYE', caller.spec(2)));
    case 're-INVITE':
      caller.send(invite(caller.spec(2)));
      return await settle();
    case 'UPDATE':
      caller.send(request('UPDATE', { ...caller.spec(2), body: offer }));
      return await settle();
    case 'connection reset':
      return world.wire.reset();
    case 'timer':
      return world.clock.advance(timers[phase]);
  }
}

let caller: Caller;
afterEach(() => caller.world.close());

describe.each(phases)('%s', phase => {
  it.each(events.map(event => ({ event, ...matrix[phase][event] })))(
    '$event gets $says, and the call ends: $ends',
    async ({ event, says, ends }) => {
      caller = new Caller();
      const { world } = caller;
      await reach(phase, caller);
      await happen(event, phase, caller);
      expect(caller.read()).toEqual(says);
      await caller.finish();
      expect((await world.calls[0]?.ended)?.reason).toBe(ends);
      expect(world.stack.stats()).toMatchObject({ dialogs: 0, transactions: 0 });
      for (const statuses of caller.finals().values()) expect(statuses.size).toBe(1);
    },
  );
});

describe('a party whose caller hangs up before the ACK', () => {
  it('ends with that, and so does its acceptance', async () => {
    caller = new Caller();
    const { world } = caller;
    world.wire.receive(invite());
    const party = acceptingParty(world.call, offer);
    const toTag = toTagOf(world.wire.response());
    world.wire.receive(request('BYE', { toTag, cseq: 2, branch: 'z9hG4bKbye' }));
    const hungUp = { reason: 'caller-hung-up' };
    expect([await party.ended, await party.accepted]).toMatchObject([hungUp, { ok: false, failure: hungUp }]);
  });
});
