import type { FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { Role } from '../../../src/http/keys.ts';
import { createMetrics } from '../../../src/observability/metrics.ts';
import { someRun } from '../../support/call-records.ts';
import { type SendingCall, SendingWorld, stranger } from '../../support/sending-world.ts';

const roles: readonly Role[] = ['read', 'pii', 'operator', 'admin'];
const secretOf = (role: Role) => `a-secret-of-the-role-${role}`;
const text = 'See https://elsewhere.org/x';

let world: SendingWorld;
let call: SendingCall;
let app: FastifyInstance;
beforeEach(() => {
  world = new SendingWorld();
  call = world.call();
  app = composeHttp({
    apiKeys: roles.map(role => ({ name: `the-${role}-key`, role, secret: secretOf(role) })),
    health: () => ({ ready: true }),
    registry: createMetrics({ process: false }).registry,
    switches: world.store.switches,
    sends: { store: world.store, desk: world.desk, clock: world.clock },
    log: silentLogger,
  });
});
afterEach(() => app.close());

async function ask(url: string, role: Role = 'operator', payload?: object, method?: 'DELETE') {
  const answer = await app.inject({
    method: method ?? (payload === undefined ? 'GET' : 'POST'),
    url: `/v1/twilio/${url}`,
    headers: { 'xi-api-key': secretOf(role) },
    ...(payload === undefined ? {} : { payload }),
  });
  return { status: answer.statusCode, body: answer.json(), raw: answer.body };
}
const hold = async () => String((await world.send({ text }, call))['held_id']);
const why = { why: 'the link is ours' };

describe('held sends over HTTP', () => {
  it('are shown whole to who may see numbers and words, and masked to others', async () => {
    const id = await hold();
    const { body } = await ask('held', 'operator');
    expect(body).toMatchObject({
      held: [
        { id, state: 'waiting', recipient: stranger, text, findings: ['link'], tool: 'twilio_send_sms' },
      ],
      has_more: false,
    });
    const masked = await ask('held', 'read');
    expect(masked.body.held).toMatchObject([{ id, recipient: '+141******24', text: null }]);
    expect(masked.raw).not.toContain(stranger);
    expect(masked.raw).not.toContain('elsewhere');
  });

  it('are approved by an operator who says why: then it is sent, once', async () => {
    const id = await hold();
    expect((await ask(`held/${id}/approve`, 'pii', why)).status).toBe(403);
    expect((await ask(`held/${id}/approve`, 'operator', {})).status).toBe(422);
    expect(world.performed).toEqual([]);
    expect(await ask(`held/${id}/approve`, 'operator', why)).toMatchObject({
      status: 200,
      body: { id, status: 'queued' },
    });
    expect((await ask(`held/${id}/approve`, 'operator', why)).status).toBe(409);
    expect(world.performed).toHaveLength(1);
    const { body } = await ask('held?state=all');
    expect(body.held).toMatchObject([
      { state: 'sent', decided_by: 'the-operator-key', why: why.why, text: null },
    ]);
    expect((await ask('held')).body.held).toEqual([]);
  });

  it('are refused, and then not approved', async () => {
    const id = await hold();
    expect(await ask(`held/${id}/refuse`, 'operator', why)).toMatchObject({ status: 200 });
    expect((await ask(`held/${id}/approve`, 'operator', why)).status).toBe(409);
    expect((await ask('held/held_0/refuse', 'operator', why)).status).toBe(404);
    expect(world.performed).toEqual([]);
  });

  it('say what keeps one from being sent now', async () => {
    const id = await hold();
    world.set({ gate: { allowAutonomousSends: true, killSwitch: true } });
    expect(await ask(`held/${id}/approve`, 'operator', why)).toMatchObject({
      status: 409,
      body: { detail: { status: 'kill_switch' } },
    });
  });

  it('cannot be seen while the store is down', async () => {
    world.set({ down: true });
    expect(await ask('held')).toMatchObject({
      status: 503,
      body: { detail: { status: 'store_unavailable' } },
    });
  });
});

describe('opt-outs over HTTP', () => {
  it('are added, listed and removed by an operator', async () => {
    const pair = { number: stranger, sender: '+14155550199' };
    expect((await ask('opt-outs', 'read', pair)).status).toBe(403);
    expect((await ask('opt-outs', 'operator', { number: '030' })).status).toBe(422);
    expect((await ask('opt-outs', 'operator', pair)).status).toBe(200);
    expect(await world.send()).toMatchObject({ status: 'opted_out' });
    const { body, raw } = await ask('opt-outs', 'read');
    expect(body.opt_outs).toMatchObject([{ number: '+141******24', cause: 'operator' }]);
    expect(raw).not.toContain(stranger);
    const { id } = body.opt_outs[0];
    expect((await ask(`opt-outs/${id}`, 'operator', undefined, 'DELETE')).status).toBe(200);
    expect((await ask(`opt-outs/${id}`, 'operator', undefined, 'DELETE')).status).toBe(404);
    expect(await world.send()).toMatchObject({ status: 'queued' });
  });
});

describe('what tools have done, over HTTP', () => {
  const dayMs = 86_400_000;
  const add = (ageMs: number, more: object = {}) =>
    world.store.executions.add({
      ...someRun,
      ...{ at: Math.round(world.clock.wall() - ageMs), call: '', agentId: 'agent_1' },
      ...more,
    });

  it('is of the last seven days unless it is asked for more, and of 30 at most', async () => {
    await add(0, { cost: { micros: 7_900, currency: 'USD' }, requestId: 'RQ1', tier: 'known' });
    await add(8 * dayMs);
    const { body } = await ask('executions', 'read');
    expect(body.executions).toMatchObject([
      {
        tool: someRun.tool,
        cost: { amount: '0.0079', currency: 'USD', estimated: true },
        request_id: 'RQ1',
        tier: 'known',
      },
    ]);
    const from = (days: number) => Math.round((world.clock.wall() - days * dayMs) / 1_000);
    expect((await ask(`executions?from_unix=${from(9)}`, 'read')).body.executions).toHaveLength(2);
    expect((await ask(`executions?from_unix=${from(40)}`, 'read')).status).toBe(422);
  });

  it('is narrowed by tool, status, call, agent and tier, in pages', async () => {
    for (let n = 0; n < 3; n += 1) await add(n, { tool: `tool_${n}`, status: n === 0 ? 'sent' : 'held' });
    const count = async (query: string) => (await ask(`executions?${query}`, 'read')).body.executions.length;
    expect(await count('tool=tool_1')).toBe(1);
    expect(await count('status=held')).toBe(2);
    expect(await count('agent_id=agent_1')).toBe(3);
    expect(await count('call=call_none')).toBe(0);
    const first = await ask('executions?page_size=2', 'read');
    expect(first.body.has_more).toBe(true);
    const rest = await ask(`executions?page_size=2&cursor=${first.body.next_cursor}`, 'read');
    expect([rest.body.executions.length, rest.body.has_more]).toEqual([1, false]);
    expect((await ask('executions?tools=x', 'read')).status).toBe(422);
  });
});

describe('letting agents send, over HTTP', () => {
  const on = { allow: true, confirm: true, reason: 'reviewed' };

  it('is for admins alone, confirmed and with a reason', async () => {
    expect((await ask('allow-sends', 'operator', on)).status).toBe(403);
    expect((await ask('allow-sends', 'admin', { allow: true, reason: 'reviewed' })).status).toBe(422);
    expect((await ask('allow-sends', 'admin', { allow: true, confirm: true })).status).toBe(422);
    expect(await world.store.switches.read()).toEqual({});
    expect(await ask('allow-sends', 'admin', on)).toMatchObject({ status: 200, body: { allowed: true } });
    expect(await world.store.switches.read()).toEqual({ allow_autonomous_sends: true });
  });

  it('is taken back, and remembered with who and why', async () => {
    await ask('allow-sends', 'admin', on);
    await ask('allow-sends', 'admin', { allow: false, reason: 'too many texts' });
    expect((await ask('allow-sends', 'read')).body).toMatchObject({
      allowed: false,
      changes: [
        { allowed: false, by: 'the-admin-key', reason: 'too many texts' },
        { allowed: true, by: 'the-admin-key', reason: 'reviewed' },
      ],
    });
  });
});

describe('GET /v1/twilio/inbound-messages', () => {
  const sid = `SM${'1'.repeat(32)}`;
  beforeEach(() =>
    world.store.inboundMessages.add({
      ...{ sid, from: stranger, to: '+14155550199', channel: 'sms', call: 'call-1' },
      ...{ text: 'I am at the door', media: ['https://api.twilio.com/x'] },
    }),
  );

  it('lists what came in, whole for who may see it and masked for who may not', async () => {
    const { status, body } = await ask('inbound-messages', 'pii');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      messages: [
        {
          ...{ sid, channel: 'sms', call: 'call-1', from: stranger, to: '+14155550199' },
          ...{ text: 'I am at the door', media_urls: ['https://api.twilio.com/x'] },
        },
      ],
      has_more: false,
      next_cursor: null,
    });
    const masked = await ask('inbound-messages', 'read');
    expect(masked.body.messages).toMatchObject([{ sid, from: '+141******24', text: null, media_urls: null }]);
    expect(masked.raw).not.toContain(stranger);
  });

  it('takes filters, and none that it does not know', async () => {
    const found = async (query: string) => (await ask(`inbound-messages?${query}`)).body.messages.length;
    expect(await found('channel=sms&call=call-1&from_unix=0')).toBe(1);
    expect(await found('channel=whatsapp')).toBe(0);
    expect(await found('call=call-2')).toBe(0);
    expect(await found('to_unix=1')).toBe(0);
    expect((await ask('inbound-messages?number=1')).status).toBe(422);
  });

  it('says so when the store is down', async () => {
    world.store.down = true;
    expect((await ask('inbound-messages')).status).toBe(503);
  });
});
