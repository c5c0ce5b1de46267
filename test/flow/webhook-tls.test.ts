import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate } from 'selfsigned';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Bridge, withBridge } from '../support/flow.ts';
import { json, Receiver } from '../support/receiver.ts';
import { until } from '../support/until.ts';

interface Pair {
  readonly key: string;
  readonly cert: string;
}

const dayMs = 86_400_000;
const curve = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;

/** The authority of a company, which no system knows. */
async function authority(name: string): Promise<Pair> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: name }], {
    ...curve,
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { key, cert };
}

async function issued(by: Pair, { ip = '127.0.0.1', from = 0, until: to = 1 } = {}): Promise<Pair> {
  const made = await generate([{ name: 'commonName', value: 'hooks.internal' }], {
    ...curve,
    ca: by,
    notBeforeDate: new Date(Date.now() + from * dayMs),
    notAfterDate: new Date(Date.now() + to * dayMs),
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip }] }],
  });
  return { key: made.private, cert: made.cert };
}

let folder: string;
let own: Pair;
let other: Pair;
let good: Pair;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-tls-'));
  own = await authority('our own');
  other = await authority('of somebody else');
  good = await issued(own);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A daemon whose two webhooks go to a server that shows `shown`, checked with the authority `ca`. */
async function withServer(
  shown: Pair,
  ca: Pair | undefined,
  body: (bridge: Bridge, receiver: Receiver) => Promise<void>,
): Promise<void> {
  const receiver = await Receiver.start(json({ dynamic_variables: { name: 'Ann' } }), shown);
  const path = join(folder, 'authority.pem');
  if (ca !== undefined) writeFileSync(path, ca.cert);
  const env = {
    WEBHOOK_SECRET: 'a-secret-that-signs-webhooks',
    WEBHOOK_NETWORKS: '127.0.0.1/32',
    INITIATION_WEBHOOK_URL: `${receiver.url}/initiation`,
    POST_CALL_WEBHOOK_URL: `${receiver.url}/events`,
  };
  const yaml = ca === undefined ? '' : `webhooks: { tls_ca: ${path} }\n`;
  try {
    await withBridge({ env, yaml, script: { mode: 'quiet' } }, bridge => body(bridge, receiver));
  } finally {
    await receiver.close();
  }
}

/** A call from its beginning to its end; what the agent was told of the caller. */
async function oneCall(bridge: Bridge): Promise<unknown> {
  const call = await bridge.answered();
  const conversation = await bridge.world.agent.conversation(0);
  await conversation.until(each => each.initiation !== undefined);
  await call.hangup();
  expect((await bridge.ended()).reason).toBe('caller-hung-up');
  return conversation.initiation?.dynamic_variables?.['name'];
}

describe('webhooks to a server whose certificate is of an authority of one’s own', () => {
  it('go there when webhooks.tls_ca has that authority', () =>
    withServer(good, own, async (bridge, receiver) => {
      expect(await oneCall(bridge)).toBe('Ann');
      const received = await receiver.count(2);
      expect(received.map(({ path }) => path)).toEqual(['/initiation', '/events']);
    }));

  const refusals = [
    ['it is not set', () => good, () => undefined, /set webhooks\.tls_ca/],
    ['it has another authority', () => good, () => other, /set webhooks\.tls_ca/],
    [
      'the certificate is for another address',
      () => issued(own, { ip: '127.0.0.2' }),
      () => own,
      /another name/,
    ],
    ['the certificate has expired', () => issued(own, { from: -3, until: -1 }), () => own, /renew it/],
    ['the certificate is not valid yet', () => issued(own, { from: 1, until: 2 }), () => own, /clocks/],
  ] as const;

  it.each(refusals)(
    'are not sent when %s: the call goes on, and the log says what to do',
    (_, shown, ca, told) =>
      Promise.resolve(shown()).then(wrong =>
        withServer(wrong, ca(), async (bridge, receiver) => {
          expect(await oneCall(bridge)).toBeUndefined();
          const lines = [
            bridge.log('initiation webhook')[0],
            await until(() => bridge.log('webhook')[0], 'the attempt to tell of the call'),
          ];
          for (const line of lines) {
            expect(line).toMatchObject({
              level: 'warn',
              cause: 'webhook-certificate',
              detail: expect.stringMatching(told),
            });
          }
          expect(receiver.connections).toBeGreaterThanOrEqual(2);
          expect(receiver.received).toEqual([]);
          // What could not be told waits until the server is in order.
          if (wrong === good || told.source !== 'renew it') return;
          receiver.present(good);
          const [event] = await receiver.count(1, 20_000);
          expect(event?.path).toBe('/events');
        }),
      ),
  );
});
