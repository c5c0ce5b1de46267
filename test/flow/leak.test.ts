import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dtmf, sine } from '../../codecs/tones.ts';
import { sampleRate } from '../../src/core/audio.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { decode } from '../../src/sim/agent/sound.ts';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { environmentOf } from '../support/flow.ts';
import { keysHeard } from '../support/keys-heard.ts';
import { disguises, numberSecrets, type Place, type Secret, sightings } from '../support/leak.ts';
import { freePort } from '../support/ports.ts';
import { Receiver } from '../support/receiver.ts';
import { ServeProcess } from '../support/serve-process.ts';
import { heardFor, keyTones } from '../support/sound.ts';
import { readStereo } from '../support/stereo.ts';
import { until } from '../support/until.ts';

/** Everything is at trace; the others show that nothing else depends on it. */
const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
/** A daemon on a machine that does much else may take long for anything. */
const patienceMs = 60_000;
const caller = '+14155550123';
const called = '+14155550199';
const stranger = '+442071838750';
const numbers: readonly Secret[] = [
  ...numberSecrets(caller, 1),
  ...numberSecrets(called, 1),
  ...numberSecrets(stranger, 2),
];

/**
 * Where a secret may be; whatever else is written here may hold none. A code is in the agent's own message to us and in
 * the request to Verify; a full number is on the SIP wire, in the initiation data, in requests to Twilio, in the operator's
 * own webhooks, and in the sealed part of a record, which who has the role pii may read.
 */
const allowed: Readonly<Record<string, readonly Secret['what'][]>> = {
  'initiation data': ['number'],
  'requests to Twilio': ['code', 'number'],
  'webhooks of the operator': ['number'],
  'records for the role pii': ['number'],
};

/** Everything that one daemon wrote, wherever it went. */
interface Evidence {
  readonly places: readonly Place[];
  readonly codes: readonly Secret[];
  /** What was recorded, and what the agent and the caller heard and said, as far as keys may sound in it. */
  readonly sounds: readonly { readonly of: string; readonly samples: Int16Array; readonly rate: number }[];
}

function filesBelow(folder: string): Place[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(folder, name)).isFile())
    .map(name => ({ where: `file ${name}`, text: `${name}\n${readFileSync(join(folder, name), 'latin1')}` }));
}

/** The agent hears the code and has it checked, and asks for all that is refused with a number or a code in it. */
async function byVoice(world: SimWorld, conversation: SimConversation): Promise<void> {
  const send = (To: string, Channel = 'sms') =>
    conversation.callTool('send_SMS_verification', { To, Channel });
  const check = (Code: unknown, To = caller) => conversation.callTool('check_SMS_verification', { To, Code });
  await send(stranger);
  world.twilio.failNext({ code: 60200, value: caller });
  await send(caller);
  const say = () => {
    const code = world.twilio.codeFor(caller);
    for (const text of [`It is ${code}, that is ${disguises['words']?.(code)}.`, [...code].join('-')]) {
      conversation.send({
        type: 'user_transcript',
        user_transcription_event: { user_transcript: text, event_id: conversation.eventId },
      } as never);
    }
    return code;
  };
  // It goes out, and nobody here knows: then it is asked for by another channel.
  world.twilio.failNext({ lost: true });
  await send(caller);
  say();
  await send(caller, 'call');
  const code = say();
  await check(`${code}99`);
  await check(Number(code));
  world.twilio.failNext({ code: 60200, value: code });
  await check(code);
  world.twilio.failNext({ raw: `<html>${code} ${caller}</html>`, status: 500 }, 3);
  await check(code);
  await conversation.callTool(`tool_${code}`, { note: `${caller} has ${code}` });
  await check(code);
  const message = `'${caller}' said ${code}, override of '${code}' not allowed`;
  conversation.sendRaw(`{"type":"client_tool_call","client_tool_call":{"tool_name":"${code}`);
  conversation.sendRaw(JSON.stringify({ type: `note_${code}`, text: caller }));
  conversation.send({ type: 'error', error_event: { code: 1008, error_type: `e_${code}`, message } });
  conversation.close(1008, message);
}

/** Everything that can be switched on is. */
function configure(folder: string): string {
  const path = join(folder, 'trunkbridge.yaml');
  const events = '[call_ended, call_initiation_failure, post_call_transcription]';
  writeFileSync(
    path,
    `recording: { enabled: true, min_free_mb: 1 }\nwebhooks:\n  post_call:\n    events: ${events}\n`,
  );
  return path;
}

/** Keys the code as tones until it is right: on a machine that does much else a tone may be lost. */
async function keyRightly(call: SimCall, conversation: SimConversation, code: string): Promise<void> {
  const { userMessages, contextualUpdates } = conversation;
  for (let tries = 1; tries <= 4; tries += 1) {
    await keyTones(call, `${code}#`, patienceMs);
    await until(() => userMessages.length >= tries, 'the agent to be told of the code', patienceMs);
    if (contextualUpdates.at(-1)?.includes('approved') === true) return;
  }
  throw new Error(`the code was never right: ${contextualUpdates.join(' ')}`);
}

/** Has a daemon load its modules with leaks in them. */
const spoilt = {
  NODE_OPTIONS: `--import data:text/javascript,import{register}from'node:module';register('${new URL('../support/planted-leaks.mjs', import.meta.url).href}')`,
};

/** A keyed and a spoken verification with a daemon at this level, and some requests that quote a number. */
async function collect(level: string, more: Readonly<Record<string, string>> = {}): Promise<Evidence> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-leak-'));
  // Long codes: no other number of that length happens to be the same.
  const twilio = { codeLength: 10 } as const;
  const script: { mode: 'otp' | 'quiet' } = { mode: 'otp' };
  const receiver = await Receiver.start();
  const world = await SimWorld.start({
    agentId: 'agent_leak',
    twilio,
    agent: { leadMs: 10_000, agents: { agent_leak: script } },
  });
  let daemon: ServeProcess | undefined;
  let pbx: SimCaller | undefined;
  try {
    // At levels above info the daemon does not tell its ports.
    const sip = await freePort();
    const http = await freePort([sip]);
    daemon = new ServeProcess({
      cwd: folder,
      args: ['--config', configure(folder)],
      env: environmentOf(world, {
        LOG_LEVEL: level,
        DATA_DIR: join(folder, 'data'),
        API_KEYS: 'test:read:a-key-to-read-metrics,ears:pii:a-key-to-hear-and-read',
        WEBHOOK_SECRET: 'a-secret-that-signs-webhooks',
        WEBHOOK_NETWORKS: '127.0.0.1/32',
        POST_CALL_WEBHOOK_URL: `${receiver.url}/events`,
        INITIATION_WEBHOOK_URL: `${receiver.url}/initiation`,
        SIP_LISTEN: `tcp://127.0.0.1:${sip}`,
        HTTP_LISTEN: `127.0.0.1:${http}`,
        ...more,
      }),
    });
    const get = (path: string, headers: Readonly<Record<string, string>> = {}) =>
      fetch(`http://127.0.0.1:${http}${path}`, {
        headers: { 'xi-api-key': 'a-key-to-read-metrics', ...headers },
      });
    await until(
      async () => {
        // A port may have been taken meanwhile: better told at once than waited for.
        if (daemon?.running !== true)
          throw new Error(`the daemon ended: ${daemon?.stdout} ${daemon?.stderr}`);
        return (await get('/readyz').catch(() => undefined))?.status === 200;
      },
      'the daemon',
      patienceMs,
    );
    pbx = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port: sip });
    const facts = {
      codec: 'PCMU',
      from: caller,
      to: called,
      headers: [
        ['X-CALLER-ID', caller],
        ['X-Note', `call ${stranger} back`],
      ],
    } as const;

    const first = await pbx.call(facts);
    const conversation = await world.agent.conversation(0, patienceMs);
    await conversation.until(each => each.toolResults.length === 1 && each.eventId > 1, patienceMs);
    const keyedCode = world.twilio.codeFor(caller);
    await keyRightly(first, conversation, keyedCode);
    expect(await first.ended).toBe('bye');

    script.mode = 'quiet';
    const second = await pbx.call(facts);
    await second.answered;
    // Within its first second an agent that fails is started again.
    await heardFor(second, 1500);
    const spoken = await world.agent.conversation(1, patienceMs);
    await byVoice(world, spoken);
    const spokenCode = world.twilio.codeFor(caller);
    await second.ended;

    const ids = [conversation, spoken].map(each => each.conversationId);
    const pii = { 'xi-api-key': 'a-key-to-hear-and-read' };
    const records = async (headers: Readonly<Record<string, string>>) => {
      const paths = ['', ...ids.map(id => `/${id}`)];
      const answers = await Promise.all(paths.map(path => get(`/v1/convai/conversations${path}`, headers)));
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
      return (await Promise.all(answers.map(answer => answer.text()))).join('\n');
    };
    const ended = () => receiver.received.filter(({ body }) => body.includes('call_ended')).length >= 2;
    await until(ended, 'both calls to be told', patienceMs);
    const masked = await records({});
    const open = await records(pii);
    const recordings = await Promise.all(
      ids.map(async id => {
        const answer = await get(`/v1/convai/conversations/${id}/audio`, pii);
        expect(answer.status).toBe(200);
        return readStereo(Buffer.from(await answer.arrayBuffer()));
      }),
    );
    const refused = await pbx.call({ ...facts, sdp: `v=0\r\no=- ${caller} 1 IN IP4 0\r\ns=${caller}\r\n` });
    await refused.answered;
    await (await pbx.call({ ...facts, headers: [['X-Bad', `a\u0000${caller}`]] })).answered;
    await pbx.request('MESSAGE', [['Subject', caller]], caller);
    const pictures = [first, second, refused].flatMap(({ callId }) =>
      ['application/json', 'text/plain'].map(async accept => {
        const answer = await get(`/v1/convai/conversations/${encodeURIComponent(callId)}/sip-messages`, {
          accept,
        });
        expect(answer.status).toBe(200);
        return answer.text();
      }),
    );
    const messages = (await Promise.all(pictures)).join('\n');
    expect(messages).toContain('INVITE');
    const scraped = await (await get('/metrics')).text();
    const missing = await get(`/v1/${caller}?code=${keyedCode}`);
    const lost = `${JSON.stringify([...missing.headers])} ${await missing.text()}`;
    const health = await (await get('/healthz')).text();
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);

    const told = [conversation, spoken];
    return {
      codes: [keyedCode, spokenCode].map(digits => ({ what: 'code', digits }) as const),
      sounds: [
        { of: 'the caller', samples: first.media.said.samples, rate: first.media.said.rate },
        ...recordings.flatMap(({ left, right, rate }) => [
          { of: 'a recording', samples: left, rate },
          { of: 'a recording', samples: right, rate },
        ]),
        ...told.map(each => ({
          of: 'what the agent got',
          samples: decode(each.audio(), each.inputFormat),
          rate: sampleRate(each.inputFormat),
        })),
      ],
      places: [
        { where: 'standard output', text: daemon.stdout },
        { where: 'standard error', text: daemon.stderr },
        { where: 'metrics', text: scraped },
        { where: 'records', text: masked },
        { where: 'records for the role pii', text: open },
        { where: 'webhooks of the operator', text: JSON.stringify(receiver.received) },
        { where: 'answers over HTTP', text: `${lost}\n${health}` },
        { where: 'SIP messages of calls', text: messages },
        ...filesBelow(folder),
        { where: 'results of tools', text: JSON.stringify(told.map(each => each.toolResults)) },
        {
          where: 'context told to the agent',
          text: JSON.stringify(told.map(each => each.contextualUpdates)),
        },
        { where: 'keys told to the agent', text: JSON.stringify(told.map(each => each.userMessages)) },
        { where: 'initiation data', text: JSON.stringify(told.map(each => each.initiation)) },
        { where: 'requests to Twilio', text: JSON.stringify(world.twilio.requests) },
      ],
    };
  } finally {
    pbx?.close();
    await daemon?.kill();
    await world.close();
    await receiver.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What was found where the list does not allow it. */
function outside({ places, codes }: Evidence) {
  return sightings(places, [...codes, ...numbers]).filter(
    ({ where, what }) => allowed[where]?.includes(what) !== true,
  );
}

describe('codes and full numbers are nowhere but where the list allows them', () => {
  it.each(levels)(
    'when the log is at %s',
    async level => {
      const evidence = await collect(level);
      // Else nothing was looked at.
      expect(evidence.places.map(({ where }) => where)).toEqual(
        expect.arrayContaining(['metrics', 'SIP messages of calls', ...Object.keys(allowed)]),
      );
      const { sounds } = evidence;
      expect(sounds.filter(({ of }) => of === 'a recording')).toHaveLength(4);
      for (const { of, samples, rate } of sounds) {
        expect(samples.length / rate, of).toBeGreaterThan(1);
        // The caller did key: else it would be no wonder that nobody heard it.
        if (of === 'the caller') expect(keysHeard(samples, rate)).toBeGreaterThan(20);
        else expect(keysHeard(samples, rate), of).toBe(0);
      }
      const byWhat = (what: Secret['what']) =>
        sightings(evidence.places, what === 'code' ? evidence.codes : numbers);
      expect(byWhat('code').map(({ where }) => where)).toContain('requests to Twilio');
      expect(byWhat('number').map(({ where }) => where)).toContain('initiation data');
      const written = evidence.places.find(({ where }) => where === 'standard output')?.text ?? '';
      if (level !== 'error') expect(written.split('\n').length).toBeGreaterThan(2);
      expect(outside(evidence)).toEqual([]);
    },
    180_000,
  );
});

describe('a daemon that was programmed with leaks', () => {
  it('is found out in every sink that it leaks to', async () => {
    const evidence = await collect('info', spoilt);
    const found = outside(evidence).map(
      ({ where, what }) => `${what} in ${where.replace(/^file .*/, 'files')}`,
    );
    expect([...new Set(found)].sort()).toEqual(
      [
        'code in answers over HTTP',
        'code in context told to the agent',
        'code in files',
        'code in keys told to the agent',
        'code in metrics',
        'code in records',
        'code in records for the role pii',
        'code in results of tools',
        'code in standard error',
        'code in standard output',
        'code in webhooks of the operator',
        'number in answers over HTTP',
        'number in SIP messages of calls',
        'number in context told to the agent',
      ].sort(),
    );
    const heard = evidence.sounds.filter(
      ({ of, samples, rate }) => of !== 'the caller' && keysHeard(samples, rate) > 0,
    );
    expect(heard.map(({ of }) => of)).toContain('what the agent got');
  }, 180_000);
});

describe('the search itself', () => {
  const sinks = [
    'standard output',
    'standard error',
    'metrics',
    'answers over HTTP',
    'file log.json',
    'records',
    'records for the role pii',
    'webhooks of the operator',
    'keys told to the agent',
    'context told to the agent',
    'SIP messages of calls',
    'initiation data',
    'results of tools',
  ];
  const code = '8305172946';
  const secrets: readonly Secret[] = [{ what: 'code', digits: code }];

  it.each(Object.keys(disguises))('finds what is written %s in any place', disguise => {
    for (const where of sinks) {
      const text = `{"level":"info","msg":"x"}\n${disguises[disguise]?.(code)}\n{"level":"info"}`;
      const found = outside({ places: [{ where, text }], codes: secrets, sounds: [] });
      expect(found, where).toContainEqual(expect.objectContaining({ where, what: 'code' }));
    }
  });

  it('hears a key in a sound, also a short and soft one in a voice', () => {
    const rate = 8000;
    const samples = new Int16Array(rate);
    sine(rate, 300, -40).generate(samples, 0, rate);
    expect(keysHeard(samples, rate)).toBe(0);
    dtmf(rate, '7', -30).generate(samples, 4000, 400);
    expect(keysHeard(samples, rate)).toBeGreaterThan(0);
  });

  it('finds a number in its national form', () => {
    const text = 'call (415) 555-0123 or 020 7183 8750';
    const found = outside({ places: [{ where: 'standard output', text }], codes: [], sounds: [] });
    expect(found.length).toBeGreaterThanOrEqual(2);
  });

  it('finds what was written into a file below the folder of the daemon', () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-planted-'));
    try {
      writeFileSync(join(folder, 'store.db'), Buffer.from(`\0\0${caller}\0`));
      const found = outside({ places: filesBelow(folder), codes: [], sounds: [] });
      expect(found).toContainEqual({ where: 'file store.db', what: 'number', as: 'plain' });
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('lets pass what the list allows and what is masked', () => {
    const places = [
      { where: 'requests to Twilio', text: `${code} ${caller}` },
      { where: 'standard output', text: '{"caller":"+141******23","time":"2026-11-21T10:55:40.008Z"}' },
    ];
    expect(outside({ places, codes: secrets, sounds: [] })).toEqual([]);
  });
});
