import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { Failure, fail, ok, type Result } from '../../../src/core/errors.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import type { OutboundCallBegun, OutboundCallWish } from '../../../src/http/outbound-call.ts';

const keys = { read: 'reader-secret-0123456789', operator: 'operator-secret-0123456789' } as const;
let wishes: OutboundCallWish[];
let asker: string;
let outcome: Result<OutboundCallBegun>;
const app = composeHttp({
  apiKeys: (['read', 'operator'] as const).map(role => ({ name: role, role, secret: keys[role] })),
  ...{ health: () => ({ ready: true }), registry: new Registry(), log: silentLogger },
  outboundCalls: {
    async call(wish, by) {
      wishes.push(wish);
      asker = by;
      return outcome;
    },
  },
});
beforeEach(() => {
  wishes = [];
  outcome = ok({ conversationId: 'conv_local_1', sipCallId: 'sip-1' });
});

const wish = { agent_id: 'agent_1', agent_phone_number_id: 'phnum_1', to_number: '020 7123 4567' };
async function ask(payload: object, key: string = keys.operator) {
  const answer = await app.inject({
    ...{ method: 'POST', url: '/v1/convai/sip-trunk/outbound-call' },
    ...{ headers: { 'xi-api-key': key }, payload },
  });
  return [answer.statusCode, answer.json()] as const;
}

describe('POST /v1/convai/sip-trunk/outbound-call', () => {
  it('has somebody called from a number, and says what the call is found by', async () => {
    expect(await ask(wish)).toEqual([
      200,
      {
        success: true,
        message: 'The call is on its way.',
        conversation_id: 'conv_local_1',
        sip_call_id: 'sip-1',
      },
    ]);
    expect(wishes).toEqual([{ agentId: 'agent_1', numberId: 'phnum_1', to: '020 7123 4567' }]);
    expect(asker).toBe('operator');
  });

  it('passes on what the conversation begins with and how long it rings, and leaves alone what means nothing', async () => {
    const [code] = await ask({
      ...wish,
      conversation_initiation_client_data: { dynamic_variables: { name: 'Ada' } },
      telephony_call_config: { ringing_timeout_secs: 20, twilio_call_recording_enabled: true },
      branch_id: 'b',
    });
    expect(code).toBe(200);
    expect(wishes).toMatchObject([{ ringSeconds: 20, clientData: { variables: { name: 'Ada' } } }]);
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
    [
      'outbound-limit',
      200,
      {
        success: false,
        message: 'Because. (outbound-limit)',
        conversation_id: null,
        sip_call_id: null,
      },
    ],
  ])('says why nobody is called: %s', async (code, status, answer) => {
    outcome = fail(new Failure(code, 'Because.'));
    expect(await ask(wish)).toEqual([status, answer]);
  });
});
