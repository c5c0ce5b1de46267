import { describe, expect, it } from 'vitest';
import { agentCall, answeredCall } from '../../src/agent-calls.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

const base = 'https://bridge.example';
const given = { dynamic_variables: { name: 'Ada', number: '+14155550123' }, user_id: 'u1' };

function stage() {
  const clock = new ManualClock();
  const store = new FakeStore({ clock });
  return { clock, store, pending: store.pending };
}
const query = (url: string) => new URL(url).searchParams;

describe('a call that an agent is to speak in', () => {
  it('is the same call when somebody answers, and begins as it was to', async () => {
    const { pending, store } = stage();
    const call = agentCall(pending, base, 'agent_x', given);
    expect(await call.keep()).toBe(true);
    const url = new URL(call.url);
    expect([url.origin, url.pathname, url.searchParams.get('agent_id')]).toEqual([
      base,
      '/twilio/voice',
      'agent_x',
    ]);
    expect(call.url).not.toMatch(/Ada|4155550123|u1/);
    const answered = await answeredCall(pending, query(call.url));
    expect(answered).toMatchObject({
      ok: true,
      value: { clientData: { variables: given.dynamic_variables, userId: 'u1' } },
    });
    const key = answered.ok ? answered.value.key : undefined;
    expect(call.conversationId).toBe(`conv_local_${key?.replace('call_', '')}`);
    await store.close();
  });

  it('needs no store where it begins with nothing', async () => {
    const { pending, store } = stage();
    store.down = true;
    const call = agentCall(pending, base, 'agent_x');
    expect(await call.keep()).toBe(true);
    const answered = await answeredCall(pending, query(call.url));
    expect(answered).toEqual({ ok: true, value: { key: expect.stringMatching(/^call_[0-9a-f]{24}$/) } });
  });

  it('does not begin otherwise than it was to', async () => {
    const { pending, store, clock } = stage();
    const call = agentCall(pending, base, 'agent_x', given);
    expect(await answeredCall(pending, query(call.url))).toEqual({ ok: false, failure: 'unknown' });
    await call.keep();
    expect(await answeredCall(pending, query(call.url))).toMatchObject({ ok: true });
    store.down = true;
    expect(await answeredCall(pending, query(call.url))).toEqual({ ok: false, failure: 'store-down' });
    store.down = false;
    clock.advance(86_400_000);
    expect(await answeredCall(pending, query(call.url))).toEqual({ ok: false, failure: 'unknown' });
    await store.close();
  });

  it.each(['', 'agent_id=x', 'call=', 'call=..%2F&data=1', 'menu=main&choice=1'])(
    'is not one in ?%s',
    async text => {
      const { pending } = stage();
      expect(await answeredCall(pending, new URLSearchParams(text))).toEqual({ ok: true, value: {} });
    },
  );
});
