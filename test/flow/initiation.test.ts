import { describe, expect, it } from 'vitest';
import { type Bridge, type BridgeOptions, withBridge } from '../support/flow.ts';
import { type Answering, json, Receiver } from '../support/receiver.ts';

const token = 'Bearer operator-token-must-not-show';

/** A daemon whose initiation webhook is `receiver`, over http on loopback, which is allowed here. */
async function withWebhook(
  answering: Answering,
  body: (bridge: Bridge, receiver: Receiver) => Promise<void>,
  { yaml = '', settings = [], ...options }: BridgeOptions & { readonly settings?: readonly string[] } = {},
): Promise<void> {
  const receiver = await Receiver.start(answering);
  const lines = [
    'webhooks:',
    '  allowed_networks: [127.0.0.1/32]',
    '  initiation:',
    `    url: ${receiver.url}/start?path-secret`,
    `    request_headers: ["Authorization: ${token}"]`,
    ...settings.map(line => `    ${line}`),
  ];
  try {
    await withBridge({ ...options, yaml: `${lines.join('\n')}\n${yaml}` }, async bridge => {
      await body(bridge, receiver);
      expect(JSON.stringify(bridge.lines)).not.toMatch(/must-not-show|path-secret|\+14155550177/);
    });
  } finally {
    await receiver.close();
  }
}

const told = async (bridge: Bridge, index = 0) => (await bridge.world.agent.conversation(index)).initiation;

describe('the initiation webhook', () => {
  it('is asked who calls whom while the telephone rings, and its answer begins the conversation', () =>
    withWebhook(
      json({
        type: 'conversation_initiation_client_data',
        dynamic_variables: { name: 'Ann', vip: true, visits: 3, secret__key: 'k' },
        conversation_config_override: { agent: { first_message: 'Hello Ann', language: 'de' } },
        user_id: 'customer-7',
      }),
      async (bridge, receiver) => {
        const headers = [
          ['X-CALL-ID', 'pbx-7'],
          ['X-Customer-Tier', 'gold'],
        ] as const;
        const call = await bridge.answered({ from: '+14155550123', to: '+14155550199', headers });
        expect(receiver.bodies).toEqual([
          {
            caller_id: '+14155550123',
            agent_id: 'agent_under_test',
            called_number: '+14155550199',
            call_sid: 'pbx-7',
            call_id: 'pbx-7',
            sip_headers: { sip_customer_tier: 'gold' },
            direction: 'inbound',
          },
        ]);
        expect(receiver.received[0]).toMatchObject({
          path: '/start?path-secret',
          headers: { authorization: token },
        });
        expect(await told(bridge)).toMatchObject({
          dynamic_variables: {
            name: 'Ann',
            vip: true,
            visits: 3,
            secret__key: 'k',
            caller_id: '+14155550123',
            sip_customer_tier: 'gold',
          },
          conversation_config_override: { agent: { first_message: 'Hello Ann', language: 'de' } },
          user_id: 'customer-7',
        });
        await call.hangup();
        const metrics = await bridge.metrics();
        expect(metrics.sum('trunkbridge_initiation_webhooks_total', { outcome: 'used', cause: 'ok' })).toBe(
          1,
        );
      },
    ));

  it('is asked in parallel with the signed URL: the call is set up no later than the slower of the two', () => {
    let answer: () => void = () => undefined;
    return withWebhook(
      response => {
        answer = () => json({})(response, undefined as never);
      },
      async (bridge, receiver) => {
        const call = await bridge.call();
        await receiver.count(1);
        await bridge.world.agent.waitFor(agent => agent.ticketRequests === 1);
        expect(call.provisional).toContain(180);
        expect(bridge.world.agent.conversations).toEqual([]);
        answer();
        expect((await call.answered).status).toBe(200);
        await call.hangup();
      },
    );
  });

  it('is waited for with the connection to the agent begun, which the conversation then has', () => {
    let answer: (() => void) | undefined;
    let hold = false;
    return withWebhook(
      response => {
        answer = () => json({})(response, undefined as never);
        if (!hold) answer();
      },
      async (bridge, receiver) => {
        const { agent } = bridge.world;
        const first = await bridge.answered();
        await first.hangup();
        hold = true;
        await agent.waitFor(({ ticketRequests }) => ticketRequests === 1);
        const second = await bridge.call();
        await receiver.count(2);
        await agent.waitFor(({ ticketRequests }) => ticketRequests === 2);
        await agent.waitFor(({ unasked }) => unasked === 1);
        // Not one over which a request is just about to come.
        await new Promise(resolve => setTimeout(resolve, 200));
        expect(agent.unasked).toBe(1);
        expect(agent.conversations).toHaveLength(1);
        answer?.();
        expect((await second.answered).status).toBe(200);
        expect(agent).toMatchObject({ unasked: 0, conversations: { length: 2 } });
        await second.hangup();
      },
    );
  });

  it('overrules what the configuration has for the number, and never who calls', () =>
    withWebhook(
      json({
        dynamic_variables: { plan: 'premium', caller_id: '+19995550100', system__caller_id: '+1' },
        conversation_config_override: { agent: { language: 'fr' }, conversation: { text_only: true } },
        colour: 'red',
      }),
      async bridge => {
        const call = await bridge.answered({ from: '+14155550123', to: '+14155550199' });
        const initiation = await told(bridge);
        expect(initiation).toMatchObject({
          dynamic_variables: { plan: 'premium', shop: 'Berlin', open: true, caller_id: '+14155550123' },
          conversation_config_override: { agent: { language: 'fr' }, tts: { speed: 1.1 } },
        });
        expect(JSON.stringify(initiation)).not.toMatch(/system__|text_only|9995550100/);
        await call.hangup();
        const [line] = bridge.log('the initiation webhook gave keys that are not used');
        expect(line?.['keys']).toEqual([
          'dynamic_variables.system__caller_id',
          'conversation_config_override.conversation.text_only',
          'colour',
        ]);
        expect(JSON.stringify(bridge.lines)).not.toMatch(/"red"|premium/);
      },
      {
        yaml: `numbers:
  - phone_number: "*"
    agent_id: agent_under_test
    conversation_initiation_client_data:
      dynamic_variables: {plan: basic, shop: Berlin, open: true}
      conversation_config_override:
        agent: {language: de}
        tts: {speed: 1.1}
`,
      },
    ));

  it('is not asked for a number that has it off', () =>
    withWebhook(
      json({ dynamic_variables: { plan: 'premium' } }),
      async (bridge, receiver) => {
        const call = await bridge.answered();
        expect((await told(bridge))?.dynamic_variables).toMatchObject({ plan: 'basic' });
        await call.hangup();
        expect(receiver.received).toEqual([]);
      },
      {
        yaml: `numbers:
  - phone_number: "*"
    agent_id: agent_under_test
    initiation_webhook: off
    conversation_initiation_client_data: {dynamic_variables: {plan: basic}}
`,
      },
    ));
});

interface Bad {
  readonly title: string;
  readonly answering: Answering;
  readonly cause: string;
}

const failures: readonly Bad[] = [
  { title: 'does not answer in time', answering: () => undefined, cause: 'webhook-timeout' },
  { title: 'answers with 500', answering: json({}, 500), cause: 'webhook-status' },
  {
    title: 'sends us on to the metadata service of the cloud',
    answering: response =>
      response.writeHead(302, { location: 'http://169.254.169.254/latest/meta-data/' }).end(),
    cause: 'webhook-redirected',
  },
  {
    title: 'answers with more than 256 KB',
    answering: json({ dynamic_variables: { x: 'y'.repeat(300_000) } }),
    cause: 'webhook-too-large',
  },
  {
    title: 'promises more than it sends',
    answering: response => {
      response.writeHead(200, { 'content-length': '5000' });
      response.write('{"dynamic_variables":{}}');
      setImmediate(() => response.socket?.end());
    },
    cause: 'webhook-reset',
  },
  {
    title: 'resets the connection',
    answering: response => response.socket?.resetAndDestroy(),
    cause: 'webhook-reset',
  },
  {
    title: 'answers with something else than JSON',
    answering: response => response.end('<html>+14155550177</html>'),
    cause: 'webhook-bad-answer',
  },
  {
    title: 'gives a variable that is an object',
    answering: json({ dynamic_variables: { customer: { number: '+14155550177' } } }),
    cause: 'webhook-bad-answer',
  },
];

/** Whose rejection is tried too: it is decided after all of them in one place. */
const rejected = ['webhook-timeout', 'webhook-redirected'];

describe('a call whose initiation webhook', () => {
  it.each(failures)(
    '$title goes on with what the configuration has, when the policy says so',
    ({ answering, cause }) =>
      withWebhook(
        answering,
        async bridge => {
          const call = await bridge.answered({ from: '+14155550123' });
          expect((await told(bridge))?.dynamic_variables).toMatchObject({ caller_id: '+14155550123' });
          await call.hangup();
          expect(bridge.log('initiation webhook')[0]).toMatchObject({
            level: 'warn',
            outcome: 'defaults',
            cause,
          });
        },
        { settings: ['timeout_ms: 400'] },
      ),
  );

  it.each(failures.filter(({ cause }) => rejected.includes(cause)))(
    '$title is rejected with 503, when the policy says so',
    ({ answering, cause }) =>
      withWebhook(
        answering,
        async bridge => {
          const call = await bridge.call();
          expect((await call.answered).status).toBe(503);
          expect(await bridge.ended()).toMatchObject({
            reason: 'initiation-failed',
            result: 'us',
            answered: false,
          });
          expect(bridge.log('initiation webhook')[0]).toMatchObject({ outcome: 'rejected', cause });
          expect(bridge.world.agent.conversations).toEqual([]);
          const metrics = await bridge.metrics();
          expect(metrics.sum('trunkbridge_calls_total', { reason: 'initiation-failed' })).toBe(1);
        },
        { settings: ['timeout_ms: 400', 'on_failure: reject'] },
      ),
  );
});

describe('an initiation webhook on a network that is not allowed', () => {
  it.each([
    'https://127.0.0.1:9/x',
    'https://169.254.169.254/x',
    'https://[::ffff:10.0.0.1]/x',
    'https://localhost:9/x',
  ])('is never connected to: %s', url =>
    withBridge({ env: { INITIATION_WEBHOOK_URL: url } }, async bridge => {
      const call = await bridge.answered();
      await call.hangup();
      expect(bridge.log('initiation webhook')[0]).toMatchObject({
        outcome: 'defaults',
        cause: 'webhook-forbidden-address',
        detail: expect.stringContaining('webhooks.allowed_networks'),
      });
    }),
  );
});
