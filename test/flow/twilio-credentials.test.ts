import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import type { SimFault } from '../../src/sim/twilio/failures.ts';
import { SimWorld } from '../../src/sim/world.ts';
import { TwilioClient } from '../../src/twilio/client.ts';
import {
  type Credential,
  credentialDisguises,
  credentials,
  dumps,
  findCredentials,
} from '../support/credential-search.ts';
import { environmentOf } from '../support/flow.ts';
import type { Place } from '../support/leak.ts';
import { Receiver } from '../support/receiver.ts';
import { ServeProcess } from '../support/serve-process.ts';
import { askTool, caller, seed, sender } from '../support/twilio-stage.ts';
import { prepareCheck, toolCases } from '../support/twilio-tool-cases.ts';

/** A text that may be anywhere: part of the names of agent and operator. Where the search finds it, it did look. */
const canary = 'canary0f0e0d0c0b0a09';
const adminKey = 'a-key-to-do-everything-with';

const faults: readonly SimFault[] = [
  { code: 20003 },
  { code: 20429, retryAfter: '7' },
  { code: 21211, value: caller },
  { raw: '<html>bad gateway</html>', status: 502 },
  { body: { unheard: 'of' }, status: 200 },
  { drop: 'request' },
  { drop: 'answer' },
  { drop: 'silence' },
];

interface Evidence {
  readonly places: readonly Place[];
  readonly secrets: readonly Credential[];
}

/** Everything below a folder, byte by byte. */
function filesBelow(folder: string, when: string): Place[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter(name => statSync(join(folder, name)).isFile())
    .map(name => ({ where: `file ${name} ${when}`, text: readFileSync(join(folder, name), 'latin1') }));
}

/** A daemon in a process of its own, with a call in which everything goes wrong. */
class Suspect {
  readonly world: SimWorld;
  readonly folder: string;
  readonly daemon: ServeProcess;
  readonly answers: Place[] = [];

  constructor(world: SimWorld, folder: string, webhooks: string) {
    this.world = world;
    this.folder = folder;
    const config = join(folder, 'trunkbridge.yaml');
    writeFileSync(
      config,
      `
tools: { internal_numbers: ['${caller}'] }
sending: { messages_per_call: 200, messages_per_recipient_day: 200, money_per_call: 100 }
verify: { destinations: any, sends_per_call: 50 }
webhooks: { post_call: { events: [call_ended] } }
`,
    );
    this.daemon = new ServeProcess({
      cwd: folder,
      args: ['--config', config],
      env: environmentOf(world, {
        LOG_LEVEL: 'trace',
        DATA_DIR: join(folder, 'data'),
        API_KEYS: `test:read:a-key-to-read-metrics,${canary}:admin:${adminKey}`,
        TWILIO_AUTH_TOKEN: world.twilio.authToken,
        TWILIO_PHONE_NUMBER: sender,
        TWILIO_WHATSAPP_NUMBER: sender,
        WEBHOOK_SECRET: 'a-secret-that-signs-webhooks',
        WEBHOOK_NETWORKS: '127.0.0.1/32',
        POST_CALL_WEBHOOK_URL: webhooks,
        PUBLIC_HTTP_LISTEN: '127.0.0.1:0',
        PUBLIC_URL: 'https://bridge.example',
        TOOLS_SECRET: 'tools-secret-0123456789',
      }),
    });
  }

  /** Asks as the operator, and keeps what came back. */
  async http(method: string, path: string, body?: unknown): Promise<unknown> {
    const port = await this.daemon.port('http');
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { 'xi-api-key': adminKey, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    const headers = JSON.stringify(Object.fromEntries(answer.headers));
    this.answers.push({ where: `HTTP ${method} ${path}`, text: `${headers}\n${text}` });
    return text.startsWith('{') ? JSON.parse(text) : text;
  }

  /** Everything that can be read without naming one thing, as the daemon's own document lists it. */
  async readAll(): Promise<void> {
    const document = (await this.http('GET', '/v1/openapi.json')) as {
      paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    };
    const paths = Object.entries(document.paths).filter(([path, { get }]) => get && !path.includes('{'));
    for (const [path] of paths) await this.http('GET', path);
    expect(paths.map(([path]) => path)).toContain('/v1/twilio/connection');
  }
}

/** A call whose agent tries every tool while Twilio fails in every way. */
async function everythingFails(suspect: Suspect): Promise<SimConversation> {
  const { world, daemon } = suspect;
  const seeds = await seed(world.twilio);
  const allow = { allow: true, confirm: true, reason: 'everything is tried' };
  expect(await suspect.http('POST', '/v1/twilio/allow-sends', allow)).toEqual({ allowed: true });
  const pbx = await SimCaller.connect({
    transport: 'tcp',
    host: '127.0.0.1',
    port: await daemon.port('sip tcp'),
  });
  try {
    const call = await pbx.call({ codec: 'PCMU', from: caller, headers: [['X-CALLER-ID', caller]] });
    await call.answered;
    const conversation = await world.agent.conversation(0, 20_000);
    const ask = (tool: string, parameters: Readonly<Record<string, unknown>>) =>
      askTool(conversation, tool, parameters);
    await ask(`tool_${canary}`, { note: canary });
    await prepareCheck({ ask });
    const account = { twilio: world.twilio, seeds };
    for (const fault of faults) {
      const over = world.twilio.failNext(fault, 1_000);
      await Promise.all(toolCases.map(({ tool, parameters }) => ask(tool, parameters(account))));
      over();
    }
    await Promise.all(toolCases.map(({ tool, parameters }) => ask(tool, parameters(account))));
    await call.hangup();
    return conversation;
  } finally {
    pbx.close();
  }
}

async function collect(): Promise<Evidence> {
  const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-credential-'));
  const webhooks = await Receiver.start();
  const world = await SimWorld.start({
    agentId: `agent_${canary}`,
    twilio: { phoneNumber: sender },
    agent: { agents: { [`agent_${canary}`]: { mode: 'quiet' } } },
  });
  const suspect = new Suspect(world, folder, `${webhooks.url}/events`);
  const { daemon } = suspect;
  try {
    const { twilio: account } = world;
    const first = [
      ...credentials('API key', account.apiKeySid, account.apiKeySecret),
      ...credentials('auth token', account.accountSid, account.authToken),
    ];
    const conversation = await everythingFails(suspect);
    // Other credentials, over HTTP: right ones, wrong ones, and some that are not even their kind.
    const second = account.credentials.issue('standard');
    const third = account.credentials.issue('main');
    const wrong = 'a-secret-that-opens-nothing-0123';
    const connection = '/v1/twilio/connection';
    const why = `because of ${canary}`;
    const connected = await suspect.http('PUT', connection, {
      account_sid: account.accountSid,
      api_key_sid: second.sid,
      api_key_secret: second.secret,
      why,
    });
    expect(connected).toMatchObject({ status: 'active', credential: { kind: 'api_key' } });
    await suspect.http('POST', `${connection}/rotate`, {
      api_key_sid: third.sid,
      api_key_secret: third.secret,
    });
    await suspect.http('POST', `${connection}/rotate`, { api_key_sid: third.sid, api_key_secret: wrong });
    await suspect.http('POST', `${connection}/rotate`, {
      api_key_sid: third.secret,
      api_key_secret: [wrong],
    });
    await suspect.http('PUT', connection, { account_sid: wrong, auth_token: wrong, surprise: wrong });
    await suspect.http('POST', `${connection}/rotate`, { auth_token: account.authToken });
    await suspect.http('GET', `${connection}?check=1&token=${wrong}`);
    await suspect.http('GET', `/v1/no-such-thing?secret=${account.authToken}`);
    await suspect.readAll();
    const running = filesBelow(folder, 'while it ran');
    daemon.signal('SIGTERM');
    expect(await daemon.exited).toBe(0);
    return {
      secrets: [
        ...first,
        ...credentials('second key', second.sid, second.secret),
        ...credentials('third key', third.sid, third.secret),
        ...credentials('wrong key', third.sid, wrong),
      ],
      places: [
        { where: 'standard output', text: daemon.stdout },
        { where: 'standard error', text: daemon.stderr },
        ...suspect.answers,
        { where: 'webhooks', text: JSON.stringify(webhooks.received) },
        {
          where: 'told to the agent',
          text: JSON.stringify([conversation.toolResults, conversation.contextualUpdates]),
        },
        { where: 'initiation data', text: JSON.stringify(conversation.initiation) },
        ...running,
        ...filesBelow(folder, 'afterwards'),
      ],
    };
  } finally {
    await daemon.kill();
    await world.close();
    await webhooks.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('a credential of Twilio', () => {
  let evidence: Evidence;
  beforeAll(async () => {
    evidence = await collect();
  }, 180_000);

  it('is in nothing that the daemon wrote, said or kept', () => {
    expect(findCredentials(evidence.places, evidence.secrets)).toEqual([]);
  });

  it('would have been found in each: what may be there is found there', () => {
    const { places } = evidence;
    const seen = findCredentials(places, [{ what: 'canary', value: canary }]).map(({ where }) => where);
    for (const sink of ['standard output', 'webhooks', 'HTTP GET /v1/twilio/connection/history']) {
      expect(seen).toContain(sink);
    }
    const databases = seen.filter(where => /^file data.*\.(db|sqlite)\S*/.test(where));
    expect(databases.length).toBeGreaterThan(0);
    // A key of the stand-in, planted at the end of each place in any disguise, is found in every one.
    const [secret] = evidence.secrets;
    if (secret === undefined) throw new Error('there is no credential');
    for (const disguise of Object.values(credentialDisguises)) {
      const planted = places.map(({ where }) => ({
        where,
        text: `{"level":"info"}\n${disguise(secret.value)}\n`,
      }));
      const found = new Set(findCredentials(planted, [secret]).map(({ where }) => where));
      expect([...new Set(places.map(({ where }) => where))].filter(where => !found.has(where))).toEqual([]);
    }
  });

  it('was looked for in the log at trace, the write-ahead log and the metrics', () => {
    const wheres = evidence.places.map(({ where }) => where);
    expect(wheres).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^file data.*-wal while it ran$/),
        'HTTP GET /metrics',
        'HTTP GET /v1/openapi.json',
        'HTTP GET /healthz',
      ]),
    );
    const log = evidence.places.find(({ where }) => where === 'standard output')?.text ?? '';
    for (const code of ['twilio-timeout', 'twilio-broken', 'twilio-refused', 'twilio-bad-answer']) {
      expect(log.includes(`"code":"${code}"`), code).toBe(true);
    }
  });
});

describe('an error of the Twilio client, dumped in every way', () => {
  let world: SimWorld;
  beforeAll(async () => {
    world = await SimWorld.start();
  });
  afterAll(() => world.close());

  const limits = { retries: 0, timeoutMs: 300 };
  const operations = [
    (sdk: ReturnType<typeof twilio>) => sdk.messages.create({ to: caller, from: sender, body: 'x' }),
    (sdk: ReturnType<typeof twilio>) => sdk.messages.list({ limit: 1 }),
    (sdk: ReturnType<typeof twilio>) => sdk.lookups.v2.phoneNumbers(caller).fetch(),
    (sdk: ReturnType<typeof twilio>) => sdk.api.v2010.accounts(sdk.accountSid).fetch(),
  ];

  it.each(['API key', 'auth token'])('holds nothing of an %s', async kind => {
    const { accountSid, apiKeySid, apiKeySecret, authToken, baseUrl } = world.twilio;
    const key = kind === 'API key' ? { apiKeySid, apiKeySecret } : { authToken };
    const made = TwilioClient.create({ accountSid, ...key, baseUrl, limits });
    if (!made.ok) throw made.failure;
    const secrets = [
      ...credentials('API key', apiKeySid, apiKeySecret),
      ...credentials('auth token', accountSid, authToken),
    ];
    const places: Place[] = [];
    const failures: Place[] = [];
    for (const fault of faults) {
      for (const operation of operations) {
        const over = world.twilio.failNext(fault);
        const result = await made.value.call<unknown>(operation);
        over();
        places.push({ where: JSON.stringify(fault), text: dumps(result) });
        if (!result.ok) failures.push({ where: JSON.stringify(fault), text: dumps(result.failure) });
      }
    }
    places.push({ where: 'the client itself', text: dumps(made.value) });
    expect(new Set(failures.map(({ where }) => where)).size).toBe(faults.length);
    expect(findCredentials([...places, ...failures], secrets)).toEqual([]);
  });

  it('would hold it if it were that of the bare package', async () => {
    const { accountSid, apiKeySid, apiKeySecret, baseUrl } = world.twilio;
    const bare = twilio(apiKeySid, apiKeySecret, { accountSid, timeout: 300 });
    bare.api.baseUrl = baseUrl;
    world.twilio.failNext({ drop: 'silence' });
    const thrown: unknown = await bare.messages.list({ limit: 1 }).catch((error: unknown) => error);
    const found = findCredentials(
      [{ where: 'error', text: dumps(thrown) }],
      credentials('API key', apiKeySid, apiKeySecret),
    );
    expect(found).toContainEqual(expect.objectContaining({ what: 'Authorization of API key', as: 'plain' }));
  });
});
