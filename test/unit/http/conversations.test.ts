import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { Registry } from 'prom-client';
import { beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/core/logger.ts';
import { composeHttp } from '../../../src/http/http.ts';
import { someCall, someEnd, someNumber, someRun } from '../../support/call-records.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const keys = (['read', 'pii', 'operator'] as const).map(role => ({
  name: `the-${role}-key`,
  role,
  secret: `${role}-secret-0123456789`,
}));
const schemaFile = new URL('../../../../shared/elevenlabs/phone-openapi.json', import.meta.url);
const document = existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : undefined;
if (document === undefined) {
  process.stderr.write('SKIPPED shapes of conversations: no ../shared/elevenlabs/phone-openapi.json\n');
}

let clock: ManualClock;
let store: FakeStore;

beforeEach(() => {
  clock = new ManualClock();
  store = new FakeStore({ clock });
});

async function ask(path: string, role: 'read' | 'pii' | 'operator' = 'read', more: object = {}) {
  const app = composeHttp({
    apiKeys: keys,
    health: () => ({ ready: true }),
    registry: new Registry(),
    log: silentLogger,
    archive: store.archive,
    switches: store.switches,
    version: '1.2.3',
  });
  const response = await app.inject({
    url: path,
    headers: { 'xi-api-key': `${role}-secret-0123456789` },
    ...more,
  });
  return { status: response.statusCode, body: response.json() };
}

function record(
  conversation = 'conv_1',
  { streamSid, ...more }: Parameters<typeof someCall>[0] & { readonly streamSid?: string } = {},
) {
  const call = someCall(more);
  store.journal.begin(call);
  clock.advance(400);
  store.journal.update(call.key, {
    conversation: { id: conversation, input: 'ulaw_8000', output: 'ulaw_8000' },
  });
  store.journal.update(call.key, { answered: true, ...(streamSid === undefined ? {} : { streamSid }) });
  clock.advance(5_000);
  store.journal.tool(call.key, { ...someRun, at: clock.wall() });
  store.journal.update(call.key, {
    transcript: [
      { role: 'agent', message: 'Hello, who is it?', at: 0.3 },
      { role: 'user', message: `It is ${someNumber}.`, at: 2.1 },
      { role: 'agent', message: 'A code is', at: 4, interrupted: true, intended: 'A code is on its way.' },
      { role: 'user', message: '', at: 7, withheld: true },
    ],
  });
  clock.advance(7_000);
  store.journal.finish(call.key, someEnd);
  return call;
}

const stream = { callSid: `CA${'1'.repeat(32)}`, streamSid: `MZ${'2'.repeat(32)}` };

/** A call over a media stream. */
function streamed() {
  const { callSid, streamSid } = stream;
  const call = record('conv_stream', {
    ...{ trunk: 'twilio', transport: 'stream', callSid, callId: callSid, sipCallId: callSid },
    streamSid,
  });
  clock.advance(1_000);
  return call;
}

const conversation = '/v1/convai/conversations/conv_1';

describe('conversations over HTTP', () => {
  it('have the numbers masked and nobody’s words in them, unless the key has the role pii', async () => {
    record();
    const plain = await ask(conversation);
    expect(plain.status).toBe(200);
    const text = JSON.stringify(plain.body);
    expect(text).not.toContain(someNumber.slice(2));
    expect(text).not.toContain('Hello');
    expect(plain.body.metadata.phone_call.external_number).toBe('+141******23');
    const whole = await ask(conversation, 'pii');
    expect(whole.body.metadata.phone_call.external_number).toBe(someNumber);
    expect(whole.body.user_id).toBe(someNumber);
    expect(whole.body.transcript[0].message).toBe('Hello, who is it?');
  });

  it('tell turns and tools in the order of their time, what was heard, and what is withheld', async () => {
    record();
    const { body } = await ask(conversation, 'pii');
    expect(body.transcript.map((turn: { message: string | null }) => turn.message)).toEqual([
      'Hello, who is it?',
      `It is ${someNumber}.`,
      'A code is',
      null,
      null,
    ]);
    expect(body.transcript[2]).toMatchObject({
      interrupted: true,
      original_message: 'A code is on its way.',
    });
    expect(body.transcript[3].tool_calls[0]).toMatchObject({
      tool_name: 'send_SMS_verification',
      params_as_json: JSON.stringify(someRun.arguments),
    });
    expect(body.trunkbridge).toMatchObject({
      ending: { reason: 'caller-hung-up', sentence: 'The caller hung up.' },
      codec: 'PCMU',
      trunk: 'pbx',
      quality: { loss: 0 },
    });
  });

  it('are listed page by page', async () => {
    for (let i = 0; i < 5; i++) record(`conv_${i}`);
    const first = await ask('/v1/convai/conversations?page_size=3');
    expect(first.body.conversations.map((one: { conversation_id: string }) => one.conversation_id)).toEqual([
      'conv_4',
      'conv_3',
      'conv_2',
    ]);
    expect(first.body.has_more).toBe(true);
    const second = await ask(`/v1/convai/conversations?page_size=3&cursor=${first.body.next_cursor}`);
    expect(second.body.conversations).toHaveLength(2);
    expect(second.body).toMatchObject({ has_more: false, next_cursor: null });
  });

  it('are refused behind a cursor that the list has not given: the first page again would be read for ever', async () => {
    record();
    const { status, body } = await ask('/v1/convai/conversations?cursor=conv_1');
    expect([status, body.detail.status]).toEqual([422, 'invalid_query']);
    expect(body.detail.message).toContain('cursor');
  });

  it('tell nothing of a recording while the call is up', async () => {
    const call = someCall();
    store.journal.begin(call);
    const end = { result: 'us', reason: 'recording-interrupted' } as const;
    store.journal.update(call.key, {
      recording: { end, rate: 0, seconds: 0, bytes: 0, gaps: [], lostMs: 0 },
    });
    const { body } = await ask(`/v1/convai/conversations/${call.key}`);
    expect([body.has_audio, body.trunkbridge.recording]).toEqual([false, null]);
    store.journal.finish(call.key, someEnd);
    const over = await ask(`/v1/convai/conversations/${call.key}`);
    expect(over.body.trunkbridge.recording.end).toEqual(end);
  });

  it('are found by agent, result, tool and time, in the words of ElevenLabs', async () => {
    record('conv_a', { agentId: 'agent_2' });
    const between = Math.ceil(clock.wall() / 1000);
    clock.advance(2_000);
    record('conv_b');
    const found = async (query: string) =>
      (await ask(`/v1/convai/conversations?${query}`)).body.conversations.map(
        (one: { conversation_id: string }) => one.conversation_id,
      );
    expect(await found('agent_id=agent_2')).toEqual(['conv_a']);
    expect(await found(`call_start_after_unix=${between}`)).toEqual(['conv_b']);
    expect(await found('call_successful=failure')).toEqual([]);
    expect(await found('tool_names=send_SMS_verification&sort_direction=asc')).toEqual(['conv_a', 'conv_b']);
    expect(await found('tool_names=other')).toEqual([]);
    expect(await found('call_duration_min_secs=60')).toEqual([]);
  });

  it('are not listed by a filter that is not known, because the answer would be a wrong one', async () => {
    for (const query of ['rating_min=3', 'page_size=0', 'page_size=101', 'call_successful=maybe']) {
      const { status, body } = await ask(`/v1/convai/conversations?${query}`);
      expect(status, query).toBe(422);
      expect(body.detail.status).toBe('invalid_query');
    }
  });

  it('are deleted by an operator once they are over', async () => {
    const running = someCall();
    store.journal.begin(running);
    const url = `/v1/convai/conversations/${running.key}`;
    expect((await ask(url, 'pii', { method: 'DELETE' })).status).toBe(403);
    expect((await ask(url, 'operator', { method: 'DELETE' })).status).toBe(409);
    store.journal.finish(running.key, someEnd);
    expect(await ask(url, 'operator', { method: 'DELETE' })).toEqual({ status: 200, body: {} });
    expect((await ask(url)).status).toBe(404);
    expect((await ask(url, 'operator', { method: 'DELETE' })).status).toBe(404);
  });

  it('say so when the store is down', async () => {
    store.down = true;
    expect((await ask(conversation)).status).toBe(503);
    expect((await ask('/v1/convai/conversations')).status).toBe(503);
  });

  it('are called Twilio where they came over a media stream, with its id, and SIP otherwise', async () => {
    const call = streamed();
    record();
    const { body } = await ask(`/v1/convai/conversations/${stream.streamSid}`, 'pii');
    expect(body.conversation_id).toBe('conv_stream');
    expect(body.metadata).toMatchObject({ conversation_initiation_source: 'twilio' });
    expect(body.metadata.phone_call).toEqual({
      ...{ type: 'twilio', direction: 'inbound', phone_number_id: 'twilio' },
      ...{ agent_number: call.calledNumber, external_number: someNumber },
      ...{ stream_sid: stream.streamSid, call_sid: stream.callSid },
    });
    const other = await ask(conversation, 'pii');
    expect(other.body.metadata.phone_call).toMatchObject({
      type: 'sip_trunking',
      call_id: expect.any(String),
    });
    const { conversations } = (await ask('/v1/convai/conversations')).body;
    const sources = conversations.map((each: Record<string, unknown>) => [
      each['conversation_id'],
      each['conversation_initiation_source'],
    ]);
    expect(sources).toEqual([
      ['conv_1', 'sip_trunk'],
      ['conv_stream', 'twilio'],
    ]);
  });

  it.skipIf(document === undefined)('have the shapes that ElevenLabs describes', async () => {
    const { components } = JSON.parse(document ?? '{}');
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'elevenlabs', components });
    const fits = (name: string, value: unknown) => {
      const check = ajv.getSchema(`elevenlabs#/components/schemas/${name}`);
      if (check === undefined) throw new Error(`there is no ${name}`);
      check(value);
      return check.errors ?? [];
    };
    record();
    const running = someCall();
    store.journal.begin(running);
    expect(fits('GetConversationsPageResponseModel', (await ask('/v1/convai/conversations')).body)).toEqual(
      [],
    );
    for (const url of [conversation, `/v1/convai/conversations/${running.key}`]) {
      for (const role of ['read', 'pii'] as const) {
        expect(fits('GetConversationResponseModel', (await ask(url, role)).body)).toEqual([]);
      }
    }
    const broken = { ...(await ask(conversation)).body, status: 'over' };
    expect(fits('GetConversationResponseModel', broken)).not.toEqual([]);
    streamed();
    expect(fits('GetConversationsPageResponseModel', (await ask('/v1/convai/conversations')).body)).toEqual(
      [],
    );
    const { body } = await ask('/v1/convai/conversations/conv_stream');
    expect(fits('GetConversationResponseModel', body)).toEqual([]);
    const { phone_call } = body.metadata;
    expect(fits('ConversationHistoryTwilioPhoneCallModel', phone_call)).toEqual([]);
    expect(fits('ConversationHistoryTwilioPhoneCallModel', { ...phone_call, stream_sid: null })).not.toEqual(
      [],
    );
  });
});

describe('switches over HTTP', () => {
  const put = (name: string, payload: object, role: 'read' | 'operator' = 'operator') =>
    ask(`/v1/switches/${name}`, role, { method: 'PUT', payload });

  it('are turned by an operator who says why, and remember it', async () => {
    expect(await put('kill_switch', { value: true, why: 'fraud' })).toEqual({
      status: 200,
      body: { name: 'kill_switch', value: true },
    });
    const { body } = await ask('/v1/switches');
    expect(body.switches).toEqual({ allow_autonomous_sends: null, kill_switch: true });
    expect(body.changes[0]).toMatchObject({ who: 'the-operator-key', why: 'fraud', value: true });
    await put('kill_switch', { value: null, why: 'it is over' });
    expect((await ask('/v1/switches')).body.switches.kill_switch).toBeNull();
  });

  it('are not turned by others, without a reason, or when there is no such switch', async () => {
    expect((await put('kill_switch', { value: true, why: 'fraud' }, 'read')).status).toBe(403);
    expect((await put('kill_switch', { value: true })).status).toBe(422);
    // It has an action of its own.
    expect((await put('allow_autonomous_sends', { value: true, why: 'sales' })).status).toBe(409);
    expect((await put('light', { value: true, why: 'dark' })).status).toBe(404);
    expect(await store.switches.read()).toEqual({});
  });
});

describe('/v1/openapi.json', () => {
  it('names every route that is there, and the role that it needs', async () => {
    const { body } = await ask('/v1/openapi.json');
    expect(body.info.version).toBe('1.2.3');
    expect(Object.keys(body.paths).sort()).toEqual([
      '/healthz',
      '/metrics',
      '/readyz',
      '/v1/convai/conversations',
      '/v1/convai/conversations/{id}',
      '/v1/openapi.json',
      '/v1/switches',
      '/v1/switches/{name}',
      '/v1/twilio/allow-sends',
    ]);
    expect(body.paths['/v1/convai/conversations/{id}'].delete.summary).toContain('operator');
  });
});
