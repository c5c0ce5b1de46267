import { describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import { Failure, fail, ok, type Result } from '../../../src/core/errors.ts';
import { type CallKey, newCallKey } from '../../../src/core/ids.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import type { CallBegin } from '../../../src/store/record.ts';
import { announcements } from '../../../src/webhooks/announcement.ts';
import type { WebhookAnswer, WebhookRequest } from '../../../src/webhooks/client.ts';
import { Deliveries, type DeliverySettings } from '../../../src/webhooks/delivery.ts';
import { webhookLimits } from '../../../src/webhooks/limits.ts';
import { sign } from '../../../src/webhooks/signature.ts';
import { EventList } from '../../support/fake-call.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const secret = 'wsec_0123456789abcdef';
const settings: DeliverySettings = {
  url: 'https://crm.example/x',
  timeoutMs: 1_000,
  events: ['call_ended', 'call_initiation_failure', 'post_call_transcription'],
  headers: { 'X-Tenant': 'acme' },
  secret,
};

/** Lets everything that has already settled take its course. */
const settled = async () => {
  for (let turn = 0; turn < 60; turn += 1) await Promise.resolve();
};

type Answer = Result<WebhookAnswer> | Promise<Result<WebhookAnswer>>;
const status = (code: number, retryAfter?: string): Answer =>
  ok({
    status: code,
    contentType: '',
    body: Buffer.alloc(0),
    ...(retryAfter === undefined ? {} : { retryAfter }),
  });

function setUp(answer: (request: WebhookRequest, nth: number) => Answer, random = 1) {
  const clock = new ManualClock();
  const store = new FakeStore({
    clock,
    announce: (record, hidden) => announcements(settings.events, record, hidden, () => 503),
  });
  const events = new EventList();
  const requests: WebhookRequest[] = [];
  const world = { now: settings as DeliverySettings | undefined };
  const make = () =>
    new Deliveries({
      outbox: store.outbox,
      client: {
        post: async request => {
          requests.push(request);
          return await answer(request, requests.length);
        },
      },
      settings: () => world.now,
      clock,
      log: silentLogger,
      events,
      random: () => random,
    });
  return { clock, store, events, requests, make, world };
}

const begun = (key: CallKey): CallBegin => ({
  key,
  direction: 'inbound',
  agentId: 'agent_1',
  trunk: 'default',
  transport: 'tcp',
  sipCallId: 'sip-1',
  callId: 'pbx-1',
  callerId: '+14155550123',
  calledNumber: '+14155550199',
  callerTrusted: true,
  variables: { caller_id: '+14155550123', secret__key: 'hidden' },
});

/** A call that was answered, with a turn of the caller withheld. */
function oneCall(store: FakeStore, answered = true): CallKey {
  const key = newCallKey();
  store.journal.begin(begun(key));
  if (answered) store.journal.update(key, { answered: true });
  store.journal.update(key, {
    transcript: [
      { role: 'agent', message: 'Please key in the code', at: 1 },
      { role: 'user', message: '', at: 2, withheld: true },
    ],
  });
  store.journal.finish(key, { end: ending('caller-hung-up'), seconds: 12.4 });
  return key;
}

const typesOf = (requests: readonly WebhookRequest[]) =>
  requests.map(({ body }) => (JSON.parse(body) as { type: string }).type);
const outcomes = (events: EventList) =>
  events.events.flatMap(event =>
    event.type === 'webhook' ? [`${event.event} ${event.outcome} ${event.cause}`] : [],
  );

describe('an event', () => {
  it('is one of as many at once as may be, and nobody takes them for a leak', async () => {
    const warned: string[] = [];
    const note = (warning: Error) => void warned.push(warning.name);
    process.on('warning', note);
    const { store, requests, make } = setUp(({ signal }) => {
      signal?.addEventListener('abort', () => undefined, { once: true });
      return new Promise(() => undefined);
    });
    make().start();
    for (let i = 0; i < webhookLimits.deliveries; i++) oneCall(store);
    await settled();
    await new Promise(resolve => setImmediate(resolve));
    process.off('warning', note);
    expect(requests).toHaveLength(webhookLimits.deliveries);
    expect(warned).toEqual([]);
  });

  it('is sent at once, signed over the very bytes, with the headers of the operator', async () => {
    const { clock, store, events, requests, make } = setUp(() => status(200));
    make().start();
    const key = oneCall(store);
    await settled();
    expect(typesOf(requests)).toEqual(['call_ended', 'post_call_transcription']);
    const [first] = requests;
    expect(first?.url).toBe(settings.url);
    expect(first?.headers).toMatchObject({
      'X-Tenant': 'acme',
      'ElevenLabs-Signature': sign(secret, first?.body ?? '', clock.wall()),
      'X-Trunkbridge-Attempt': '1',
    });
    const body = JSON.parse(first?.body ?? '') as Record<string, unknown>;
    expect(body).toMatchObject({
      source: 'trunkbridge',
      event_id: first?.headers['Idempotency-Key'],
      data: { call_key: key },
    });
    expect(outcomes(events)).toEqual(['call_ended delivered ok', 'post_call_transcription delivered ok']);
  });

  it('is sent again with the same bytes and id until the receiver has it, later each time, half of that by chance', async () => {
    const { clock, requests, store, make } = setUp((_, nth) => status(nth < 4 ? 500 : 200), 0);
    make().start();
    oneCall(store, false);
    await settled();
    const waits: number[] = [];
    let last = clock.now();
    while (requests.length < 4) {
      const before = requests.length;
      clock.advance(250);
      await settled();
      if (requests.length > before) {
        waits.push(clock.now() - last);
        last = clock.now();
      }
    }
    expect(waits[0]).toBeGreaterThanOrEqual(1_000);
    expect(waits[1]).toBeGreaterThanOrEqual(2_000);
    expect(waits[2]).toBeGreaterThanOrEqual(4_000);
    expect(new Set(requests.map(({ body }) => body)).size).toBe(1);
    expect(new Set(requests.map(({ headers }) => headers['Idempotency-Key'])).size).toBe(1);
    expect(requests.map(({ headers }) => headers['X-Trunkbridge-Attempt'])).toEqual(['1', '2', '3', '4']);
    expect(new Set(requests.map(({ headers }) => headers['ElevenLabs-Signature'])).size).toBe(4);
  });

  it('keeps the others of its call behind it, and holds up no other call', async () => {
    let broken = '';
    const { clock, store, requests, make } = setUp(({ body }) =>
      status(broken !== '' && body.includes(broken) ? 503 : 200),
    );
    make().start();
    broken = newCallKey();
    store.journal.begin(begun(broken as CallKey));
    store.journal.update(broken as CallKey, {
      answered: true,
      transcript: [{ role: 'agent', message: 'hi', at: 0 }],
    });
    store.journal.finish(broken as CallKey, { end: ending('caller-hung-up'), seconds: 1 });
    const other = oneCall(store);
    await settled();
    const seen = requests.map(({ body }) => (body.includes(other) ? 'other' : 'broken'));
    expect(seen).toContain('other');
    expect(typesOf(requests.filter(({ body }) => body.includes(broken)))).toEqual(['call_ended']);
    broken = '';
    for (let i = 0; i < 8; i += 1) {
      clock.advance(webhookLimits.pollMs);
      await settled();
    }
    expect(typesOf(requests).slice(-2)).toEqual(['call_ended', 'post_call_transcription']);
  });

  it('is not sent before the receiver wants it again', async () => {
    const { clock, store, requests, make } = setUp((_, nth) => status(nth === 1 ? 429 : 200, '60'));
    make().start();
    oneCall(store, false);
    await settled();
    for (let ms = 0; ms < 58_000; ms += 2_000) {
      clock.advance(2_000);
      await settled();
    }
    expect(requests).toHaveLength(1);
    for (let ms = 0; ms < 6_000; ms += 2_000) {
      clock.advance(2_000);
      await settled();
    }
    expect(requests).toHaveLength(2);
  });

  it('is given up after twenty attempts, and says so', async () => {
    const { clock, store, events, requests, make } = setUp(() =>
      fail(new Failure('webhook-timeout', 'late')),
    );
    make().start();
    oneCall(store, false);
    for (let i = 0; i < 60; i += 1) {
      await settled();
      clock.advance(webhookLimits.longestRetryMs);
    }
    await settled();
    expect(requests).toHaveLength(20);
    expect(outcomes(events).slice(-2)).toEqual([
      'call_initiation_failure later webhook-timeout',
      'call_initiation_failure dead webhook-timeout',
    ]);
    expect(await store.outbox.counts()).toMatchObject({ waiting: 0, dead: 1 });
  });

  it('whose sender died in the middle is sent by the next one', async () => {
    const { clock, store, requests, make } = setUp((_, nth) =>
      nth === 1 ? new Promise(() => undefined) : status(200),
    );
    make().start();
    oneCall(store, false);
    await settled();
    expect(requests).toHaveLength(1);
    make().start();
    clock.advance(settings.timeoutMs + webhookLimits.leaseMs);
    await settled();
    clock.advance(webhookLimits.pollMs);
    await settled();
    expect(requests).toHaveLength(2);
    expect(requests[0]?.body).toBe(requests[1]?.body);
  });

  it('waits while the queue cannot be read, and while there is nowhere to send it to', async () => {
    const { clock, store, requests, make, world } = setUp(() => status(200));
    store.down = true;
    make().start();
    store.down = false;
    world.now = undefined;
    oneCall(store, false);
    await settled();
    clock.advance(webhookLimits.pollMs);
    await settled();
    expect(requests).toEqual([]);
    world.now = settings;
    for (let i = 0; i < 4; i += 1) {
      clock.advance(webhookLimits.pollMs);
      await settled();
    }
    expect(requests).toHaveLength(1);
  });
});

describe('a shutdown', () => {
  it('delivers what is due first', async () => {
    const { store, requests, make } = setUp(() => status(200));
    const deliveries = make();
    deliveries.start();
    oneCall(store);
    await deliveries.stop(webhookLimits.drainMs);
    expect(requests).toHaveLength(2);
    oneCall(store);
    await settled();
    expect(requests).toHaveLength(2);
  });

  it('does not wait for a receiver for ever: what it broke off is due at once afterwards', async () => {
    let over: (result: Result<WebhookAnswer>) => void = () => undefined;
    const { clock, store, requests, make } = setUp(({ signal }, nth) => {
      if (nth > 1) return status(200);
      return new Promise(resolve => {
        over = resolve;
        signal?.addEventListener('abort', () => over(fail(new Failure('webhook-aborted', ''))));
      });
    });
    const deliveries = make();
    deliveries.start();
    oneCall(store, false);
    await settled();
    const stopped = deliveries.stop(webhookLimits.drainMs);
    clock.advance(webhookLimits.drainMs);
    await stopped;
    make().start();
    await settled();
    expect(requests).toHaveLength(2);
    expect(clock.pending).toBe(1);
  });
});

describe('what an event tells', () => {
  it('has whole numbers, and nothing that was withheld or is secret', async () => {
    const { store, requests, make } = setUp(() => status(200));
    make().start();
    oneCall(store);
    await settled();
    const [ended, transcript] = requests.map(
      ({ body }) => JSON.parse(body) as { data: Record<string, unknown> },
    );
    expect(ended?.data).toMatchObject({
      from_number: '+14155550123',
      to_number: '+14155550199',
      call_duration_secs: 12,
      ending: { result: 'success', reason: 'caller-hung-up', sentence: 'The caller hung up.' },
    });
    expect(transcript?.data).toMatchObject({
      status: 'done',
      transcript: [
        { role: 'agent', message: 'Please key in the code', time_in_call_secs: 1 },
        { role: 'user', message: null, withheld: true, time_in_call_secs: 2 },
      ],
      metadata: { phone_call: { agent_number: '+14155550199', external_number: '+14155550123' } },
    });
    expect(JSON.stringify(requests)).not.toMatch(/secret__key|hidden/);
  });

  it.each<[Parameters<typeof ending>[0], string]>([
    ['callee-busy', 'busy'],
    ['ring-timeout', 'no-answer'],
    ['agent-unreachable', 'unknown'],
  ])(
    'of a call that was never answered is ElevenLabs call_initiation_failure: %s is %s',
    async (reason, told) => {
      const { store, requests, make } = setUp(() => status(200));
      make().start();
      const key = newCallKey();
      store.journal.begin(begun(key));
      store.journal.finish(key, { end: ending(reason), seconds: 0 });
      await settled();
      expect(JSON.parse(requests[0]?.body ?? '')).toMatchObject({
        type: 'call_initiation_failure',
        data: {
          agent_id: 'agent_1',
          failure_reason: told,
          metadata: {
            type: 'sip',
            body: { from_number: '+14155550123', sip_status_code: 503, error_reason: reason },
          },
        },
      });
      expect(requests).toHaveLength(1);
    },
  );
});
