import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../../src/core/ending.ts';
import { ok } from '../../../../../src/core/errors.ts';
import { goneDialogs } from '../../../../../src/sip/embedded/dialog/directory.ts';
import type { EmbeddedOptions } from '../../../../../src/sip/embedded/stack.ts';
import { invite, request } from '../messages.ts';
import { answerSdp, World } from '../world.ts';

const worlds: World[] = [];

/** Trunk by the user part of the number that is called. */
const gate: NonNullable<EmbeddedOptions['gate']> = ({ requestUser }) => ({
  verdict: 'pass',
  trunk: requestUser,
});

function world(options: Partial<EmbeddedOptions> = {}): World {
  const made = new World({ gate, ...options });
  worlds.push(made);
  return made;
}

afterEach(async () => {
  for (const each of worlds.splice(0)) await each.close();
});

const first = 'call-1@192.0.2.10';

let takers = 0;

/** An INVITE that wants the place of the dialogue that `established` makes. */
function taking(toTag: string, more = '', spec: Parameters<typeof invite>[0] = {}): string {
  const replaces = `Replaces: ${first};to-tag=${toTag};from-tag=alice${more}`;
  takers++;
  return invite({
    callId: `taker-${takers}@192.0.2.10`,
    branch: `z9hG4bKtake${takers}`,
    fromTag: 'bob',
    headers: ['Require: replaces', replaces],
    ...spec,
  });
}

describe('an INVITE with Replaces', () => {
  it('reaches who has the call that it names, and only that one', async () => {
    const here = world();
    const toTag = await here.established();
    const old = here.call;
    here.wire.receive(taking(toTag));
    expect(here.calls).toHaveLength(2);
    expect(here.call.replaces).toBe(old);
    old.onReplace = async () => ok(undefined);
    expect(here.call.replaces?.onReplace).toBe(old.onReplace);
    here.call.reject(486, ending('agent-busy'));
  });

  it('is no takeover without that header', async () => {
    const here = world();
    await here.established();
    here.wire.receive(invite({ callId: 'call-2@192.0.2.10', branch: 'z9hG4bKother', fromTag: 'bob' }));
    expect(here.call.replaces).toBeUndefined();
    here.call.reject(486, ending('agent-busy'));
  });

  it('is 481 where nothing of that name is up, and where it is up on another trunk', async () => {
    const here = world();
    const toTag = await here.established();
    expect(here.peer(taking('nothing'))).toEqual([481]);
    expect(here.peer(taking(toTag, '', { uri: 'sip:+18005550111@192.0.2.1' }))).toEqual([481]);
    expect(here.calls).toHaveLength(1);
    // The same from its own trunk is taken.
    expect(here.peer(taking(toTag))).toEqual([100]);
    here.call.reject(486, ending('agent-busy'));
  });

  it('is 481 before the answer: nobody may take a call that is still ringing here', () => {
    const here = world();
    here.wire.receive(invite());
    here.call.ring();
    const ringing = /tag=([^;\s]+)/.exec(here.wire.response().headers.get('To') ?? '')?.[1] ?? '';
    expect(here.peer(taking(ringing)).at(-1)).toBe(481);
    here.call.reject(486, ending('agent-busy'));
  });

  it('is asked to come again while the ACK is on its way', () => {
    const here = world();
    here.wire.receive(invite());
    void here.call.answer(answerSdp);
    const tag = /tag=([^;\s]+)/.exec(here.wire.response().headers.get('To') ?? '')?.[1] ?? '';
    here.wire.receive(taking(tag));
    const refused = here.wire.response();
    expect([refused.status, refused.headers.get('Retry-After')]).toEqual([500, '1']);
    here.wire.receive(request('ACK', { toTag: tag, branch: 'z9hG4bKack' }));
    here.wire.receive(request('BYE', { toTag: tag, branch: 'z9hG4bKbye', cseq: 2 }));
  });

  it('is 486 when it wants an early call and this one is answered', async () => {
    const here = world();
    const toTag = await here.established();
    expect(here.peer(taking(toTag, ';early-only'))).toEqual([486]);
  });

  it('is 603 once the call is over, for as long as that is remembered', async () => {
    const here = world();
    const toTag = await here.established();
    expect(here.peer(request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 2 }))).toEqual([200]);
    expect(here.peer(taking(toTag))).toEqual([603]);
    for (let i = 0; i < goneDialogs; i++) {
      here.wire.receive(invite({ callId: `x${i}`, branch: `z9hG4bKx${i}`, fromTag: `x${i}` }));
      here.call.reject(486, ending('agent-busy'));
    }
    here.wire.statuses();
    expect(here.peer(taking(toTag))).toEqual([481]);
  });

  it.each([
    ['no tags', [`Replaces: ${first}`]],
    ['one tag', [`Replaces: ${first};to-tag=a`]],
    ['no Call-ID', ['Replaces: ;to-tag=a;from-tag=b']],
    ['two of them', ['Replaces: a;to-tag=a;from-tag=b', 'Replaces: b;to-tag=a;from-tag=b']],
    ['a list', ['Replaces: a;to-tag=a;from-tag=b, b;to-tag=a;from-tag=b']],
    ['Join beside it', ['Replaces: a;to-tag=a;from-tag=b', 'Join: a;to-tag=a;from-tag=b']],
  ])('is 400 with %s', (_, headers) => {
    const here = world();
    expect(here.peer(invite({ headers }))).toEqual([400]);
    expect(here.calls).toEqual([]);
  });

  it('makes no call, and is taken while the bridge drains', async () => {
    const here = world();
    const toTag = await here.established();
    here.stack.drain();
    expect(here.peer(taking(toTag))).toEqual([100]);
    here.call.reject(486, ending('agent-busy'));
    expect(here.peer(invite({ callId: 'new', branch: 'z9hG4bKnew', fromTag: 'new' })).at(-1)).toBe(503);
  });

  it('is what OPTIONS and every answer say is supported', async () => {
    const here = world();
    here.wire.receive(request('OPTIONS', { branch: 'z9hG4bKopt' }));
    expect(here.wire.response().headers.list('Supported')).toContain('replaces');
  });
});
