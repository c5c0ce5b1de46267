import { describe, expect, it } from 'vitest';
import { type Logger, silentLogger } from '../../../src/core/logger.ts';
import { composePublicHttp } from '../../../src/http/public.ts';
import type { ToolDoor } from '../../../src/http/tools.ts';

const toolsSecret = 'a-secret-of-enough-length';
const json = (result: object, isError = false, status = 'x') =>
  ({ ran: true, answer: { result: JSON.stringify(result), isError, status } }) as const;

function setup(outcome: Awaited<ReturnType<ToolDoor['run']>>, log: Logger = silentLogger) {
  const asked: unknown[] = [];
  const app = composePublicHttp({
    log,
    tools: {
      secret: toolsSecret,
      door: {
        run: async (...all) => {
          asked.push(all);
          return outcome;
        },
      },
    },
  });
  const post = async (
    payload: string,
    headers: Readonly<Record<string, string>> = {},
    path = 'send_SMS_verification',
  ) => {
    const answer = await app.inject({
      method: 'POST',
      url: `/tools/${path}`,
      payload,
      headers: {
        authorization: `Bearer ${toolsSecret}`,
        'content-type': 'application/x-www-form-urlencoded',
        ...headers,
      },
    });
    return [answer.statusCode, answer.json() as Readonly<Record<string, unknown>>] as const;
  };
  return { app, asked, post };
}

describe('POST /tools/{name}', () => {
  it('takes what Twilio would take, and answers in its words', async () => {
    const { post, asked } = setup(json({ status: 'pending', valid: false, message: 'Sent.' }));
    expect(await post('To=%2B14155550123&Channel=sms', { 'x-bridge-token': 'call_1.x' })).toEqual([
      200,
      { status: 'pending', valid: false, message: 'Sent.' },
    ]);
    expect(asked).toEqual([['send_SMS_verification', { To: '+14155550123', Channel: 'sms' }, 'call_1.x']]);
  });

  it.each([
    ['application/xml', '<x/>', 415, /URL-encoded, or as a JSON object/],
    ['application/json', '{"To": "83051', 400, /no JSON/],
  ])('says in its own shape what is wrong with %s: %s', async (type, payload, status, message) => {
    const { post, asked } = setup(json({}));
    expect(await post(payload, { 'content-type': type })).toEqual([
      status,
      { status: 'bad_request', valid: false, message: expect.stringMatching(message) },
    ]);
    expect(asked).toEqual([]);
  });

  it('logs no name of a tool that could be a code', async () => {
    const lines: unknown[] = [];
    const log = { ...silentLogger, warn: (...line: unknown[]) => void lines.push(line) };
    const { post } = setup({ ran: false, why: 'unknown-tool' }, log);
    expect((await post('', {}, '830517'))[0]).toBe(404);
    expect(lines).toEqual([['webhook tool not run', { tool: 'other', why: 'unknown-tool' }]]);
  });

  it('takes JSON too', async () => {
    const { post, asked } = setup(json({ status: 'approved', valid: true }));
    const type = { 'content-type': 'application/json' };
    expect((await post('{"To":"+1","Code":"0123"}', type, 'check_SMS_verification'))[0]).toBe(200);
    expect(asked).toEqual([['check_SMS_verification', { To: '+1', Code: '0123' }, undefined]]);
  });

  it.each(['', 'Bearer wrong', `Basic ${toolsSecret}`, `Bearer ${toolsSecret}x`])(
    'runs nothing for the password "%s"',
    async authorization => {
      const { post, asked } = setup(json({}));
      expect((await post('To=%2B1', { authorization }))[0]).toBe(401);
      expect(asked).toEqual([]);
    },
  );

  it.each([
    ['unknown-tool', 404],
    ['wrong-token', 403],
    ['call-over', 409],
    ['which-call', 409],
  ] as const)('answers %s with %i and what to do', async (why, status) => {
    const { post } = setup({ ran: false, why });
    expect(await post('To=%2B1')).toEqual([
      status,
      { status: why.replaceAll('-', '_'), valid: false, message: expect.stringMatching(/\.$/) },
    ]);
  });

  it('names the header to add when it is not clear which call is meant', async () => {
    const { post } = setup({ ran: false, why: 'which-call' });
    expect((await post('To=%2B1'))[1]['message']).toMatch(/X-Bridge-Token.*secret__bridge_token/);
  });

  it('answers parameters that do not fit and faults as errors', async () => {
    expect(
      (await setup(json({ status: 'invalid_parameters' }, true, 'invalid_parameters')).post('a=b'))[0],
    ).toBe(400);
    expect((await setup(json({ status: 'fault' }, true, 'fault')).post('a=b'))[0]).toBe(500);
  });

  it.each(['[1]', '"x"', 'null', '{'])('refuses the body %s', async body => {
    const { post, asked } = setup(json({}));
    expect((await post(body, { 'content-type': 'application/json' }))[0]).toBe(400);
    expect(asked).toEqual([]);
  });

  it('has nothing else: no health, no metrics, no records', async () => {
    const { app } = setup(json({}));
    const headers = { authorization: `Bearer ${toolsSecret}` };
    for (const url of ['/', '/healthz', '/metrics', '/v1/convai/conversations', '/tools'])
      expect((await app.inject({ url, headers })).statusCode).toBe(404);
    const wrongMethod = await app.inject({ url: '/tools/x', headers });
    expect([wrongMethod.statusCode, wrongMethod.headers.allow]).toEqual([405, 'POST']);
  });
});
