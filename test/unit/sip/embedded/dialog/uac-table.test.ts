import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ending } from '../../../../../src/core/ending.ts';
import {
  type UacAction,
  type UacState,
  uacDialog,
} from '../../../../../src/sip/embedded/dialog/uac-table.ts';
import type { SipRequest } from '../../../../../src/sip/embedded/message/message.ts';
import { inviteClient } from '../../../../../src/sip/embedded/transaction/invite-client.ts';
import { parse, request } from '../messages.ts';
import { authorizer, Calling, hop, nothingHeld, reply, settled, theirAnswer } from './calling.ts';

const states = Object.keys(uacDialog) as UacState[];
const rows = states.flatMap(state =>
  Object.entries<readonly [UacState, ...UacAction[]]>(uacDialog[state]).map(
    ([input, [next, ...actions]]) => ({ state, input, next, actions }),
  ),
);

describe('the table of a call of ours', () => {
  it('reaches every state from the first one', () => {
    const reached = new Set<string>(['connecting']);
    for (const state of reached)
      for (const { next } of rows.filter(row => row.state === state)) reached.add(next);
    expect([...reached].sort()).toEqual([...states].sort());
  });

  it('sends CANCEL only where a provisional response has come', () => {
    for (const { state, input, actions } of rows.filter(row =>
      row.actions.some(action => action === 'sendCancel'),
    ))
      expect(state === 'proceeding' || input === 'provisional', `${state} ${input} ${actions}`).toBe(true);
  });

  it('acknowledges every first answer, and hangs up those that nobody waits for', () => {
    for (const { state, actions } of rows.filter(({ input }) => input === 'success')) {
      expect(actions).toContain('acknowledge');
      const wanted = state === 'calling' || state === 'proceeding';
      expect(actions.some(action => action === 'sendBye')).toBe(!wanted);
    }
  });

  it('ends exactly once on each way into the last state', () => {
    for (const { next, state, actions } of rows)
      expect(actions.filter(action => action === 'end').length).toBe(
        next === 'ended' && state !== 'ended' ? 1 : 0,
      );
  });

  it('settles the answer once on every path: when it is left waiting for it', () => {
    const waiting = new Set(['connecting', 'calling', 'proceeding']);
    for (const { state, next, actions } of rows) {
      const leaves = waiting.has(state) && !waiting.has(next);
      expect(actions.filter(action => action === 'settle').length, `${state} -> ${next}`).toBe(
        leaves ? 1 : 0,
      );
    }
  });

  it('can be hung up in every state but the last', () => {
    for (const state of states.filter(name => name !== 'ended'))
      expect(Object.keys(uacDialog[state])).toContain('hangup');
  });
});

describe('the table of an INVITE client transaction', () => {
  it('ends from every state', () => {
    for (const state of ['calling', 'proceeding', 'accepted', 'completed'] as const) {
      expect(inviteClient[state].abandon[0]).toBe('terminated');
      expect(inviteClient[state].abandon).toContain('end');
    }
  });

  it('acknowledges refusals itself, each copy too, and answers never', () => {
    for (const row of [inviteClient.calling, inviteClient.proceeding, inviteClient.completed]) {
      expect(row.final3to6xx).toContain('acknowledge');
      expect(row.final2xx).not.toContain('acknowledge');
    }
  });
});

/** Requests among what was written: each of ours is written whole. */
function requestsOf(written: readonly Buffer[]): SipRequest[] {
  return written
    .map(bytes => bytes.toString())
    .filter(text => /^(INVITE|CANCEL|BYE) /.test(text))
    .map(text => parse(text))
    .filter(message => message.kind === 'request');
}

/** What may happen to a call, in any order. */
const happenings = [
  100,
  180,
  183,
  200,
  201,
  302,
  401,
  407,
  486,
  503,
  603,
  'other 200',
  'hangup',
  'reset',
  'second',
  'minute',
  'bye',
  'answer bye',
  'answer cancel',
] as const;

describe('a call of ours to which anything happens in any order', () => {
  it('settles its answer and its end, and leaves nothing behind', async () => {
    const order = fc.array(fc.constantFrom(...happenings), { maxLength: 25 });
    await fc.assert(
      fc.asyncProperty(order, async list => {
        const world = new Calling();
        const call = await world.call({
          route: [hop('192.0.2.10'), hop('192.0.2.11')],
          authorize: authorizer([]),
          ringMs: 30_000,
        });
        for (const happening of list) await happen(world, happening, () => call.hangup(ending('shutdown')));
        call.hangup(ending('shutdown'));
        // Whatever is waited for, there is a timer that ends the wait.
        for (let i = 0; i < 40; i++) {
          world.clock.advance(5_000);
          await settled();
        }
        const [answer, end] = await Promise.all([call.answered, call.ended]);
        if (!answer.ok) expect(answer.failure.reason).not.toBe('internal-error');
        expect(end.reason).not.toBe('internal-error');
        expect(world.stack.stats()).toMatchObject({ transactions: 0, dialogs: 0 });
        expect(await world.close()).toEqual(nothingHeld);
      }),
      { numRuns: 300 },
    );
  });

  async function happen(
    world: Calling,
    happening: (typeof happenings)[number],
    hangup: () => void,
  ): Promise<void> {
    const wire = world.wires.at(-1);
    const sent = world.wires.flatMap(each => requestsOf(each.written));
    const latest = (method: string) => sent.filter(request => request.method === method).at(-1);
    const invite = latest('INVITE');
    const challenge = 'Digest realm="trunk", nonce="n", stale=true';
    const headers = [`WWW-Authenticate: ${challenge}`, `Proxy-Authenticate: ${challenge}`];
    if (happening === 'hangup') hangup();
    else if (happening === 'second') world.clock.advance(1_000);
    else if (happening === 'minute') world.clock.advance(60_000);
    else if (wire === undefined || wire.gone) return;
    else if (happening === 'reset') wire.reset();
    else if (typeof happening === 'number' || happening === 'other 200') {
      const [status, tag] = happening === 'other 200' ? [200, 'other'] : [happening, 'callee'];
      if (invite !== undefined) wire.receive(reply(invite, status, { tag, headers, body: theirAnswer }));
    } else if (happening === 'bye' && invite !== undefined) {
      const our = /;tag=([^;]+)/.exec(invite.headers.get('From') ?? '')?.[1];
      const callId = invite.headers.get('Call-ID') ?? '';
      wire.receive(
        request('BYE', {
          callId,
          fromTag: 'callee',
          toTag: our,
          cseq: 9,
          branch: `z9hG4bK${world.clock.now()}`,
        }),
      );
    } else {
      const answered = latest(happening === 'answer bye' ? 'BYE' : 'CANCEL');
      if (answered !== undefined) wire.receive(reply(answered, 200));
    }
    await settled();
  }
});
