import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Bridge, withBridge } from '../support/flow.ts';
import { type Answering, json, type Received, Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

interface Event {
  readonly type: string;
  readonly source: string;
  readonly event_id: string;
  readonly data: Record<string, unknown>;
}

const secret = 'wsec_must-not-show-0123456789';
const verifier = new URL('../../examples/webhooks/verify.mjs', import.meta.url).href;

/** Bodies whose signature was verified the way that the documents show. */
async function verified(received: readonly Received[]): Promise<Event[]> {
  const { verify } = (await import(/* @vite-ignore */ verifier)) as {
    verify(body: string, header: unknown, secret: string): boolean;
  };
  return received.map(({ body, headers }) => {
    expect(verify(body, headers['elevenlabs-signature'], secret)).toBe(true);
    return JSON.parse(body) as Event;
  });
}

interface Setup {
  readonly dataDir?: string;
  readonly events?: string;
  readonly yaml?: string;
}

const environment = (receiver: Receiver, { dataDir }: Setup = {}) => ({
  WEBHOOK_SECRET: secret,
  WEBHOOK_NETWORKS: '127.0.0.1/32',
  POST_CALL_WEBHOOK_URL: `${receiver.url}/events`,
  POST_CALL_WEBHOOK_HEADERS: 'X-Tenant: acme',
  ...(dataDir === undefined ? {} : { DATA_DIR: dataDir }),
});

async function withEvents(
  answering: Answering,
  body: (bridge: Bridge, receiver: Receiver) => Promise<void>,
  setup: Setup = {},
): Promise<void> {
  const receiver = await Receiver.start(answering);
  const lines = [
    'webhooks:',
    '  post_call:',
    `    events: [${setup.events ?? 'call_ended, call_initiation_failure'}]`,
    '    timeout_ms: 700',
    setup.yaml ?? '',
  ];
  try {
    await withBridge({ env: environment(receiver, setup), yaml: lines.join('\n') }, async bridge => {
      await body(bridge, receiver);
      expect(JSON.stringify(bridge.lines)).not.toMatch(/must-not-show|\/events/);
    });
  } finally {
    await receiver.close();
  }
}

const from = '+14155550123';
const to = '+14155550199';

describe('a call that is over', () => {
  it('is told once, signed, with whole numbers and how it ended', () =>
    withEvents(json({}), async (bridge, receiver) => {
      const call = await bridge.answered({ from, to, headers: [['X-CALL-ID', 'pbx-7']] });
      await call.hangup();
      const [event] = await verified(await receiver.count(1));
      expect(event).toMatchObject({
        type: 'call_ended',
        source: 'trunkbridge',
        event_id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
        data: {
          agent_id: 'agent_under_test',
          conversation_id: 'conv_1',
          call_id: 'pbx-7',
          direction: 'inbound',
          from_number: from,
          to_number: to,
          ending: { result: 'success', reason: 'caller-hung-up', sentence: 'The caller hung up.' },
          codec: 'PCMU',
        },
      });
      expect(receiver.received[0]?.headers).toMatchObject({
        'x-tenant': 'acme',
        'idempotency-key': event?.event_id,
      });
      const metrics = await until(async () => {
        const series = await bridge.metrics();
        const told = { event: 'call_ended', outcome: 'delivered', cause: 'ok' };
        return series.sum('trunkbridge_webhooks_total', told) === 1 && series;
      }, 'the delivery to be counted');
      expect(metrics.sum('trunkbridge_webhooks_total')).toBe(1);
    }));

  it('is told as call_initiation_failure when it was never answered', () =>
    withEvents(
      json({}),
      async (bridge, receiver) => {
        const call = await bridge.call({ from, to });
        expect((await call.answered).status).toBe(503);
        const [event] = await verified(await receiver.count(1));
        expect(event).toMatchObject({
          type: 'call_initiation_failure',
          data: {
            failure_reason: 'unknown',
            metadata: {
              type: 'sip',
              body: {
                from_number: from,
                to_number: to,
                sip_status_code: 503,
                error_reason: 'agent-not-found',
              },
            },
          },
        });
      },
      { yaml: 'numbers:\n  - {phone_number: "*", agent_id: agent_unknown}' },
    ));

  it('is told with what was said, after its end, where that was asked for', () =>
    withEvents(
      json({}),
      async (bridge, receiver) => {
        const call = await bridge.answered({ from, to });
        const conversation = await bridge.world.agent.conversation(0);
        conversation.send({
          type: 'user_transcript',
          user_transcription_event: { user_transcript: 'Good morning', event_id: 1 },
        });
        await until(() => bridge.world.agent.open === 1, 'the agent');
        await new Promise(resolve => setTimeout(resolve, 200));
        await call.hangup();
        const [ended, told] = await verified(await receiver.count(2));
        expect([ended?.type, told?.type]).toEqual(['call_ended', 'post_call_transcription']);
        expect(told?.data).toMatchObject({
          conversation_id: 'conv_1',
          transcript: [{ role: 'user', message: 'Good morning' }],
          conversation_initiation_client_data: { dynamic_variables: { caller_id: from } },
        });
      },
      { events: 'call_ended, post_call_transcription' },
    ));
});

describe('a receiver that misbehaves gets the same bytes again until it takes them', () => {
  it('when it answers 500, redirects, resets, lies about its length, or says nothing', () => {
    const bad: Answering[] = [
      json({}, 500),
      response => response.writeHead(302, { location: 'http://169.254.169.254/latest/' }).end(),
      response => response.socket?.resetAndDestroy(),
    ];
    return withEvents(
      (response, received) => {
        const next = bad.shift();
        if (next !== undefined) next(response, received);
        else response.writeHead(200, { 'content-length': String(10 ** 9) }).write('x'.repeat(100_000));
      },
      async (bridge, receiver) => {
        const call = await bridge.answered({ from, to });
        await call.hangup();
        const received = await receiver.count(4, 30_000);
        await verified(received);
        expect(new Set(received.map(({ body }) => body)).size).toBe(1);
        expect(received.map(({ headers }) => headers['x-trunkbridge-attempt'])).toEqual(['1', '2', '3', '4']);
        // However large an answer is: its status says that the event was taken.
        const causes = () => bridge.log('webhook').map(line => `${line['outcome']} ${line['cause']}`);
        await until(() => causes().length === 4, 'the fourth attempt to be over');
        expect(causes()).toEqual([
          'later webhook-status',
          'later webhook-redirected',
          'later webhook-reset',
          'delivered ok',
        ]);
      },
    );
  });

  it('after a restart of the daemon, if it was away until then', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'trunkbridge-webhooks-'));
    try {
      let first: readonly Received[] = [];
      await withEvents(
        json({}, 503),
        async (bridge, receiver) => {
          const call = await bridge.answered({ from, to });
          await call.hangup();
          first = await receiver.count(1);
        },
        { dataDir },
      );
      await withEvents(
        json({}),
        async (_, receiver) => {
          const [again] = await receiver.count(1, 20_000);
          expect(again?.body).toBe(first[0]?.body);
          await verified(receiver.received);
        },
        { dataDir },
      );
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  it('while calls go on as if it were not there, and a shutdown that it does not hold up', () =>
    withEvents(
      () => undefined,
      async (bridge, receiver) => {
        for (let i = 0; i < 3; i += 1) {
          const call = await bridge.answered({ from, to });
          await call.hangup();
        }
        await receiver.count(3);
        const begun = performance.now();
        await bridge.idle();
        expect(performance.now() - begun).toBeLessThan(15_000);
      },
    ));
});
