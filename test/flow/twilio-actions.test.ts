import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SimFault } from '../../src/sim/twilio/failures.ts';
import type { Bridge } from '../support/flow.ts';
import { twilioDocumentsPresent } from '../support/twilio-documents.ts';
import { objections, other, publicUrl, sender, withTwilioBridge } from '../support/twilio-stage.ts';

const env = { API_KEYS: 'test:read:a-key-to-read-metrics,crm:operator:a-key-to-send-and-call' };
const sid = (prefix: string): unknown => expect.stringMatching(new RegExp(`^${prefix}[0-9a-f]{32}$`));

interface Answer {
  readonly code: number;
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

/** What a program of the operator posts. */
async function act(
  bridge: Bridge,
  action: string,
  given: object,
  key = 'a-key-to-send-and-call',
  more: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const { address, port } = bridge.app.http;
  const answer = await fetch(`http://${address}:${port}/v1/twilio/actions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'xi-api-key': key, ...more },
    body: JSON.stringify({ action, arguments: given }),
  });
  return { code: answer.status, headers: answer.headers, body: (await answer.json()) as Answer['body'] };
}

interface ActionCase {
  readonly action: string;
  readonly given: (bridge: Bridge) => Readonly<Record<string, unknown>>;
  readonly good: object;
  readonly request: readonly [method: 'GET' | 'POST', path: string, params: object];
  readonly wrong: readonly (readonly [object, RegExp])[];
  readonly failing: readonly (readonly [SimFault, code: number, status: string])[];
}

const cases: readonly ActionCase[] = [
  {
    action: 'sendSMS',
    given: () => ({ to: other, body: 'Your parcel is here.' }),
    good: { messageSid: sid('SM'), status: 'queued', dateCreated: expect.stringMatching(/^\d{4}-.*Z$/) },
    request: ['POST', '/Messages.json', { To: other, From: sender, Body: 'Your parcel is here.' }],
    wrong: [
      [{ body: 'x' }, /Argument to is missing/],
      [{ to: 'nobody', body: 'x' }, /Argument to/],
    ],
    failing: [
      [{ code: 21211, value: other }, 422, 'invalid_number'],
      [{ code: 21606, value: sender }, 409, 'not_configured'],
    ],
  },
  {
    action: 'makeCall',
    given: () => ({ to: other, twiml: '<Response><Say>Hello</Say></Response>' }),
    good: { callSid: sid('CA'), status: 'queued' },
    request: ['POST', '/Calls.json', { To: other, From: sender, Twiml: expect.stringContaining('<Say>') }],
    wrong: [
      [{ to: other }, /one of them is needed/],
      [{ to: other, url: 'http://files.example/' }, /Argument url/],
      [{ to: other, url: 'https://files.example/', twiml: '<Response/>' }, /exclude each other/],
    ],
    failing: [[{ code: 21215, value: other }, 422, 'not_allowed']],
  },
  {
    action: 'getCallStatus',
    given: ({ world: { twilio } }) => ({ callSid: twilio.calls.all[0]?.sid }),
    good: { callSid: sid('CA'), status: 'completed', direction: 'inbound' },
    request: ['GET', '/Calls/CA', {}],
    wrong: [[{ callSid: 'CA1' }, /Argument call_sid/]],
    failing: [[{ code: 20404, value: 'Calls' }, 404, 'not_found']],
  },
];

const withActions = (body: (bridge: Bridge) => Promise<void>, yaml?: string) =>
  withTwilioBridge({ env, ...(yaml === undefined ? {} : { yaml }) }, async bridge => {
    bridge.world.twilio.calls.add({ from: other, to: sender, status: 'completed' });
    await body(bridge);
  });

describe('POST /v1/twilio/actions', () => {
  it('texts, calls and tells the state of a call for a program of the operator, whatever agents may do', () =>
    withActions(async bridge => {
      for (const { action, given, good, request } of cases) {
        const answer = await act(bridge, action, given(bridge));
        expect([action, answer]).toMatchObject([action, { code: 200, body: good }]);
        const [method, path, params] = request;
        const came = bridge.world.twilio.requests.at(-1);
        expect([action, came]).toMatchObject([
          action,
          { method, path: expect.stringContaining(path), params },
        ]);
      }
    }));

  it(
    'says which argument is wrong, fails as Twilio fails, and is not for every key',
    () =>
      withActions(async bridge => {
        const { twilio } = bridge.world;
        for (const { action, given, wrong, failing } of cases) {
          const before = twilio.requests.length;
          for (const [bad, message] of wrong) {
            const answer = await act(bridge, action, bad);
            expect([action, answer.code]).toEqual([action, 422]);
            expect(JSON.stringify(answer.body)).toMatch(message);
          }
          expect((await act(bridge, action, given(bridge), 'a-key-to-read-metrics')).code).toBe(403);
          expect(twilio.requests).toHaveLength(before);
          const common: ActionCase['failing'] = [
            [{ code: 20429, retryAfter: '7' }, 429, 'throttled'],
            [{ drop: 'request' }, 502, 'unavailable'],
            [{ raw: '<html>no</html>', status: 503 }, 502, 'unavailable'],
            [{ code: 20003 }, 409, 'not_configured'],
          ];
          for (const [fault, code, status] of [...common, ...failing]) {
            twilio.failNext(fault);
            const answer = await act(bridge, action, given(bridge));
            expect([action, fault, answer]).toMatchObject([
              action,
              fault,
              { code, body: { detail: { status } } },
            ]);
          }
        }
        const silent = cases.map(({ request: [method, path] }) =>
          twilio.failNext({ drop: 'silence' }, 9, { method, path }),
        );
        const answers = await Promise.all(
          cases.map(({ action, given }) => act(bridge, action, given(bridge))),
        );
        for (const over of silent) over();
        expect(answers).toMatchObject(
          cases.map(() => ({ code: 502, body: { detail: { status: 'unavailable' } } })),
        );
      }),
    40_000,
  );

  it('sends and calls nothing with the kill switch on, and still tells the state of a call', () =>
    withActions(async bridge => {
      const codes = [];
      for (const { action, given } of cases) codes.push((await act(bridge, action, given(bridge))).code);
      expect(codes).toEqual([403, 403, 200]);
      expect(bridge.world.twilio.requests.filter(({ method }) => method === 'POST')).toEqual([]);
    }, 'tools: { kill_switch: true }'));

  it('sends and calls nobody to whom nothing goes, counts who said so, and does both without the rule', async () => {
    const things = [
      ['sendSMS', { to: other, body: 'Your parcel is here.' }],
      ['makeCall', { to: other, twiml: '<Response><Say>Hello</Say></Response>' }],
    ] as const;
    const denying = `sending: { denied_recipients: ["${other.slice(0, 6)}*"] }`;
    await withTwilioBridge({ env, yaml: denying }, async bridge => {
      for (const [action, given] of things) {
        const { code, body } = await act(bridge, action, given);
        expect([action, code, JSON.stringify(body)]).toEqual([
          action,
          422,
          expect.stringMatching(/not_allowed.*sending\.denied_recipients/),
        ]);
      }
      expect(bridge.world.twilio.requests).toEqual([]);
      const { address, port } = bridge.app.http;
      const scraped = await fetch(`http://${address}:${port}/metrics`, {
        headers: { 'xi-api-key': 'a-key-to-read-metrics' },
      });
      expect((await scraped.text()).split('\n')).toEqual(
        expect.arrayContaining([
          'trunkbridge_gate_decisions_total{gate="recipient",decision="refuse"} 2',
          'trunkbridge_actions_total{action="makeCall",status="not_allowed",error="true"} 1',
        ]),
      );
    });
    await withTwilioBridge({ env }, async bridge => {
      for (const [action, given] of things) expect((await act(bridge, action, given)).code).toBe(200);
      expect(bridge.world.twilio.requests).toHaveLength(2);
    });
  });

  it('does what it is asked under one Idempotency-Key once, over a restart too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-actions-'));
    const kept = { ...env, DATA_DIR: folder, DATA_KEY: Buffer.alloc(32, 7).toString('base64') };
    const given = { to: other, body: 'Your parcel is here.' };
    const keyed = (bridge: Bridge, key: string, what: object = given) =>
      act(bridge, 'sendSMS', what, undefined, { 'idempotency-key': key });
    const sent: unknown[] = [];
    try {
      await withTwilioBridge({ env: kept }, async bridge => {
        const first = await keyed(bridge, 'parcel-1');
        const again = await keyed(bridge, '"parcel-1"');
        expect([again.code, again.body]).toEqual([200, first.body]);
        expect(again.headers.get('idempotent-replayed')).toBe('true');
        const changed = await keyed(bridge, 'parcel-1', { ...given, body: 'Another.' });
        expect([changed.code, changed.body]).toMatchObject([
          422,
          { detail: { status: 'idempotency_key_reused' } },
        ]);
        expect(bridge.world.twilio.requests).toHaveLength(1);
        sent.push(first.body);
      });
      await withTwilioBridge({ env: kept }, async bridge => {
        expect((await keyed(bridge, 'parcel-1')).body).toEqual(sent[0]);
        expect(bridge.world.twilio.requests).toEqual([]);
        expect((await keyed(bridge, 'parcel-2')).code).toBe(200);
        expect(bridge.world.twilio.requests).toHaveLength(1);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('stops at the budgets of the day, and names the setting', () =>
    withTwilioBridge({ env, yaml: 'actions: { messages_per_day: 1, calls_per_day: 0 }' }, async bridge => {
      const text = { to: other, body: 'Hello.' };
      expect((await act(bridge, 'sendSMS', text)).code).toBe(200);
      const second = await act(bridge, 'sendSMS', text);
      expect([second.code, JSON.stringify(second.body)]).toEqual([
        429,
        expect.stringMatching(/over_budget.*actions\.messages_per_day/),
      ]);
      expect(Number(second.headers.get('retry-after'))).toBeGreaterThan(86_000);
      const call = await act(bridge, 'makeCall', { to: other, twiml: '<Response/>' });
      expect(JSON.stringify(call.body)).toContain('actions.calls_per_day');
      expect(bridge.world.twilio.requests).toHaveLength(1);
    }));

  it('connects an agent with a call that it makes', () =>
    withTwilioBridge({ env, reachable: true }, async bridge => {
      const { twilio } = bridge.world;
      const given = { to: other, agent_id: 'agent_under_test', ring_seconds: 20, record: true };
      const { code, body } = await act(bridge, 'makeCall', given);
      const conversationId = expect.stringMatching(/^conv_local_/);
      expect([code, body]).toEqual([200, { callSid: sid('CA'), status: 'queued', conversationId }]);
      // The other side answers: Twilio asks what to do, and hears of a stream to the agent.
      const answer = await twilio.calls.answer(String(body['callSid']));
      expect(answer).toMatchObject({ status: 200, url: expect.stringContaining(publicUrl) });
      expect(answer?.body).toMatch(/<Connect.*<Stream url="wss:\/\/bridge\.example\//s);
    }));
});

describe.skipIf(!twilioDocumentsPresent)('beside the documents of Twilio (shared/twilio-openapi)', () => {
  it('all of these requests, and what the stand-in answered them, are as described', async () => {
    expect(await objections()).toEqual([]);
  });
});
