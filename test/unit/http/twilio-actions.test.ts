import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ActionOutcome } from '../../../src/core/action-outcome.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';

const keys = [
  { name: 'desk', role: 'pii', secret: 'pii-secret-0123456789' },
  { name: 'crm', role: 'operator', secret: 'operator-secret-0123456789' },
] as const;

let outcome: ActionOutcome;
let asked: unknown[];
let app: ReturnType<typeof composeHttp>;

beforeEach(() => {
  asked = [];
  outcome = { ok: true, value: { messageSid: 'SM1', status: 'queued' } };
  app = composeHttp({
    apiKeys: keys,
    health: () => ({ ready: true }),
    registry: new Registry(),
    twilioActions: {
      run: async (...given) => {
        asked.push(given);
        return outcome;
      },
    },
    log: silentLogger,
  });
});
afterEach(() => app.close());

const post = (payload: object | string, secret: string = keys[1].secret, key?: string | string[]) =>
  app.inject({
    method: 'POST',
    url: '/v1/twilio/actions',
    headers: {
      ...{ 'xi-api-key': secret, 'content-type': 'application/json' },
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    },
    payload,
  });

describe('POST /v1/twilio/actions', () => {
  it('does what a program of the operator asks, and answers what came of it', async () => {
    const answer = await post({ action: 'sendSMS', arguments: { to: '+14155550177' } });
    expect([answer.statusCode, answer.json()]).toEqual([200, { messageSid: 'SM1', status: 'queued' }]);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(asked).toEqual([['sendSMS', { to: '+14155550177' }, { by: 'crm', key: undefined }]]);
  });

  it('needs a key with the role operator', async () => {
    expect((await post({ action: 'sendSMS' }, keys[0].secret)).statusCode).toBe(403);
    expect((await post({ action: 'sendSMS' }, 'nobody')).statusCode).toBe(401);
    expect(asked).toEqual([]);
  });

  it.each([
    ['not_configured', 409],
    ['switched_off', 403],
    ['opted_out', 409],
    ['not_found', 404],
    ['over_budget', 429],
    ['in_progress', 409],
    ['idempotency_key_reused', 422],
    ['too_many_keys', 429],
    ['unavailable', 502],
    ['store_unavailable', 503],
    ['invalid_arguments', 422],
    ['unknown_action', 422],
    ['invalid_number', 422],
  ])('answers %s with %d', async (status, code) => {
    outcome = { ok: false, status, message: 'Why.' };
    const answer = await post({ action: 'sendSMS' });
    expect([answer.statusCode, answer.json()]).toEqual([code, { detail: { status, message: 'Why.' } }]);
  });

  it('says when to come again', async () => {
    outcome = { ok: false, status: 'throttled', message: 'Later.', errorCode: 20429, retryAfterSeconds: 7 };
    const answer = await post({ action: 'sendSMS' });
    expect([answer.statusCode, answer.headers['retry-after']]).toEqual([429, '7']);
    expect(answer.json()).toMatchObject({ detail: { error_code: 20429 } });
  });

  it.each([{}, { action: 7 }, { action: 'x', more: 1 }, { action: 'x', arguments: 'y' }, '[]'])(
    'does not take %j',
    async body => {
      expect((await post(body)).statusCode).toBe(422);
      expect(asked).toEqual([]);
    },
  );

  it.each([
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"order-1"', 'order-1'],
    [' order-1 ', 'order-1'],
    ['x'.repeat(255), 'x'.repeat(255)],
  ])('takes the Idempotency-Key %s, and says what was done before', async (given, key) => {
    expect(
      (await post({ action: 'x' }, keys[1].secret, given)).headers['idempotent-replayed'],
    ).toBeUndefined();
    expect(asked).toEqual([['x', undefined, { by: 'crm', key }]]);
    outcome = { ...outcome, replayed: true };
    const again = await post({ action: 'x' }, keys[1].secret, given);
    expect([again.statusCode, again.headers['idempotent-replayed']]).toEqual([200, 'true']);
    expect(again.json()).toEqual({ messageSid: 'SM1', status: 'queued' });
  });

  it.each(['', 'two words', '"', '""', '"half', 'x'.repeat(256), 'kéy', ['one', 'two']])(
    'does nothing with the Idempotency-Key %j',
    async given => {
      const answer = await post({ action: 'x' }, keys[1].secret, given);
      expect([answer.statusCode, answer.json().detail.status]).toEqual([422, 'invalid_idempotency_key']);
      expect(asked).toEqual([]);
    },
  );
});
