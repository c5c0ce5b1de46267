import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { Failure, fail, ok, type Result } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type {
  OutboundCallAsker,
  OutboundCallBegun,
  OutboundCallDesk,
  OutboundCallRefusal,
  OutboundCallWish,
} from '../../../src/http/outbound-call.ts';

const keys = { read: 'reader-secret-0123456789', operator: 'operator-secret-0123456789' } as const;
let wishes: OutboundCallWish[];
let askers: OutboundCallAsker[];
let outcome: Result<OutboundCallBegun, OutboundCallRefusal>;
const desk = (way: string): OutboundCallDesk => ({
  async call(wish, asker) {
    ways.push(way);
    wishes.push(wish);
    askers.push(asker);
    return outcome;
  },
});
let ways: string[];
const app = composeHttp({
  apiKeys: (['read', 'operator'] as const).map(role => ({ name: role, role, secret: keys[role] })),
  ...{ health: () => ({ ready: true }), registry: new Registry(), log: silentLogger },
  outboundCalls: { sipTrunk: desk('sip-trunk'), twilio: desk('twilio') },
});
beforeEach(() => {
  wishes = [];
  askers = [];
  ways = [];
  outcome = ok({ conversationId: 'conv_local_1', callId: 'id-1' });
});

const wish = { agent_id: 'agent_1', agent_phone_number_id: 'phnum_1', to_number: '020 7123 4567' };

describe.each([
  ['sip-trunk', 'sip_call_id'],
  ['twilio', 'callSid'],
])('POST /v1/convai/%s/outbound-call', (way, idName) => {
  async function asked(payload: object, headers: Readonly<Record<string, string>> = {}) {
    return app.inject({
      ...{ method: 'POST', url: `/v1/convai/${way}/outbound-call` },
      ...{ headers: { 'xi-api-key': keys.operator, ...headers }, payload },
    });
  }
  async function ask(payload: object, key: string = keys.operator) {
    const answer = await asked(payload, { 'xi-api-key': key });
    return [answer.statusCode, answer.json()] as const;
  }

  it('has somebody called from a number, and says what the call is found by', async () => {
    expect(await ask(wish)).toEqual([
      200,
      {
        success: true,
        message: 'The call is on its way.',
        conversation_id: 'conv_local_1',
        [idName]: 'id-1',
      },
    ]);
    expect(wishes).toEqual([{ agentId: 'agent_1', numberId: 'phnum_1', to: '020 7123 4567' }]);
    expect([ways, askers]).toEqual([[way], [{ by: 'operator' }]]);
  });

  it('passes on what the conversation begins with and how long it rings, and leaves alone what means nothing', async () => {
    const [code] = await ask({
      ...wish,
      conversation_initiation_client_data: { dynamic_variables: { name: 'Ada' } },
      telephony_call_config: { ringing_timeout_secs: 20, twilio_call_recording_enabled: false },
      branch_id: 'b',
    });
    expect(code).toBe(200);
    expect(wishes).toMatchObject([{ ringSeconds: 20, clientData: { read: { variables: { name: 'Ada' } } } }]);
    expect(wishes[0]).toMatchObject({ clientData: { given: { dynamic_variables: { name: 'Ada' } } } });
    expect(wishes[0]).not.toHaveProperty('record');
  });

  it.each([
    { call_recording_enabled: true },
    { telephony_call_config: { twilio_call_recording_enabled: true } },
  ])('has the call recorded with %j', async more => {
    await ask({ ...wish, ...more });
    expect(wishes).toMatchObject([{ record: true }]);
  });

  it('passes on an Idempotency-Key, and says that a call was placed before', async () => {
    outcome = ok({ conversationId: undefined, callId: 'id-1', replayed: true });
    const answer = await asked(wish, { 'idempotency-key': '"order-1"' });
    expect(askers).toEqual([{ by: 'operator', key: 'order-1' }]);
    expect([answer.headers['idempotent-replayed'], answer.json()]).toMatchObject([
      'true',
      { success: true, conversation_id: null },
    ]);
    expect((await asked(wish, { 'idempotency-key': 'a b' })).statusCode).toBe(422);
    expect(askers).toHaveLength(1);
  });

  it('is for operators', async () => {
    expect(await ask(wish, keys.read)).toMatchObject([403, {}]);
    expect(wishes).toEqual([]);
  });

  it.each([
    [{ ...wish, agent_id: '../x' }, /agent_id is not right/],
    [{ ...wish, agent_phone_number_id: undefined }, /agent_phone_number_id is not right/],
    [{ ...wish, to_number: '' }, /to_number is not right/],
    [{ ...wish, telephony_call_config: { ringing_timeout_secs: 0 } }, /ringing_timeout_secs is not right/],
    [
      { ...wish, conversation_initiation_client_data: { dynamic_variables: 'x' } },
      /conversation_initiation_client_data cannot be used/,
    ],
  ])('calls nobody for %j', async (payload, why) => {
    expect(await ask(payload)).toMatchObject([422, { detail: { message: expect.stringMatching(why) } }]);
    expect(wishes).toEqual([]);
  });

  it.each([
    ['not-found', 404, { detail: { status: 'not_found', message: 'Because.' } }],
    ['configured', 409, { detail: { status: 'configured', message: 'Because.' } }],
    ['no-trunk', 409, { detail: { status: 'no_trunk', message: 'Because.' } }],
    ['not-twilio', 409, { detail: { status: 'not_twilio', message: 'Because.' } }],
    ['invalid-number', 422, { detail: { status: 'invalid_number', message: 'Because.' } }],
    ['store-unavailable', 503, { detail: { status: 'store_unavailable', message: 'Because.' } }],
    [
      'outbound-limit',
      200,
      {
        success: false,
        message: 'Because. (outbound-limit)',
        conversation_id: null,
        [idName]: null,
      },
    ],
  ])('says why nobody is called: %s', async (code, status, answer) => {
    outcome = fail(new Failure(code, 'Because.'));
    expect(await ask(wish)).toEqual([status, answer]);
  });

  it('says when there is a place again', async () => {
    outcome = fail({ code: 'over-budget', message: 'Enough.', retryAfterSeconds: 60 });
    const answer = await asked(wish);
    expect([answer.statusCode, answer.headers['retry-after'], answer.json()]).toMatchObject([
      200,
      '60',
      { success: false, message: 'Enough. (over-budget)' },
    ]);
  });
});
