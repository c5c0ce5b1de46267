import { generate } from 'selfsigned';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { SimCaller } from '../../src/sim/caller/caller.ts';
import { statusOf } from '../../src/sim/caller/message.ts';
import { type Bridge, startBridge } from '../support/flow.ts';
import { freePort } from '../support/ports.ts';
import { reinvite } from '../support/reinvite.ts';
import { toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';
import { DrachtioRouter } from './drachtio-router.ts';
import { DrachtioServer, findDrachtio } from './drachtio-server.ts';

const toneHz = 440;
const origin = findDrachtio();

/** The whole daemon behind a real drachtio-server: sound and all. */
describe.skipIf(origin.kind === 'none')('a daemon behind a real drachtio-server', () => {
  it('carries a call with its sound, and keeps its picture', async () => {
    const server = new DrachtioServer(origin);
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    await server.start({ cert: made.cert, key: made.private });
    const { host, port, secret } = server.admin;
    let bridge: Bridge | undefined;
    try {
      bridge = await startBridge({
        script: { mode: 'quiet' },
        yaml: `sip: { backend: drachtio, drachtio: { host: '${host}', port: ${port}, secret: '${secret}' } }\n`,
      });
      const call = await bridge.answered({ headers: [['X-CALL-ID', 'from-outside']] });
      const conversation = await bridge.world.agent.conversation(0);
      await conversation.say(toneHz, 2000);
      await toneHeard(call, toneHz, 500);
      expect(bridge.log('call arrived')[0]).toMatchObject({ callId: 'from-outside' });
      const picture = await bridge.http(
        `/v1/convai/conversations/${encodeURIComponent(call.callId)}/sip-messages`,
      );
      expect(picture.status).toBe(200);
      const text = JSON.stringify(await picture.json());
      for (const part of ['INVITE sip:', 'SIP/2.0 200 OK', 'ACK sip:']) expect(text).toContain(part);
      await call.hangup();
      expect((await bridge.ended()).reason).toBe('caller-hung-up');
      await bridge.idle();
    } finally {
      await bridge?.discard();
      await server.stop();
    }
  });
});

/** Outbound mode: the server connects to the daemon, once for each call. */
describe.skipIf(origin.kind !== 'program')('a daemon that a real drachtio-server connects to', () => {
  const server = new DrachtioServer(origin);
  let router: DrachtioRouter;
  let bridge: Bridge | undefined;
  let callers: SimCaller[] = [];

  beforeAll(async () => {
    router = await DrachtioRouter.open();
    const made = await generate([{ name: 'commonName', value: 'localhost' }], { keySize: 2048 });
    await server.start({ cert: made.cert, key: made.private }, router.configuration);
    router.port = await freePort();
  });
  afterAll(async () => {
    await server.stop();
    router.close();
  });
  afterEach(async () => {
    for (const caller of callers.splice(0)) caller.close();
    callers = [];
    await bridge?.discard();
    bridge = undefined;
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<Bridge> {
    const { secret } = server.admin;
    const drachtio = `{ mode: outbound, listen: '127.0.0.1:${router.port}', secret: '${secret}' }`;
    bridge = await startBridge({
      env,
      script: { mode: 'quiet' },
      yaml: `sip: { backend: drachtio, drachtio: ${drachtio} }\n`,
    });
    return bridge;
  }

  async function caller(): Promise<SimCaller> {
    const made = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port: server.port });
    callers.push(made);
    return made;
  }

  const call = async () => await (await caller()).call({ codec: 'PCMU' });

  /** A call that is up, number `index` of the agent's, after sound of the agent was heard. */
  async function heard(index: number, on: Bridge): Promise<SimCall> {
    const made = await call();
    expect((await made.answered).status).toBe(200);
    const conversation = await on.world.agent.conversation(index);
    await conversation.say(toneHz, 1000);
    await toneHeard(made, toneHz, 300);
    return made;
  }

  /** Nothing of any call is left, the connections of the server included. */
  async function quiet(on: Bridge): Promise<void> {
    await on.idle();
    await until(() => on.app.load().connections === 0, 'the last connection of the server to close');
  }

  it('carries calls with their sound, whoever hangs up', async () => {
    const on = await start();
    const first = await heard(0, on);
    const second = await heard(1, on);
    expect(on.app.load()).toMatchObject({ connections: 2, calls: 2 });
    expect(statusOf(await reinvite(first, first.sdp('sendonly', 2)))).toBe(200);
    expect(statusOf(await reinvite(first, first.sdp('sendrecv', 3)))).toBe(200);
    expect(await first.hangup()).toBe(200);
    expect((await on.ended()).reason).toBe('caller-hung-up');
    await (await on.world.agent.conversation(1)).endCall();
    expect(await second.ended).toBe('bye');
    expect((await on.ended(1)).reason).toBe('agent-ended-call');
    await quiet(on);
  });

  it('lets a caller give up, and the connection go', async () => {
    const on = await start();
    const gone = await call();
    await until(() => on.app.load().dialogs === 1, 'the call to come');
    gone.cancel();
    expect((await gone.answered).status).toBe(487);
    await quiet(on);
  });

  it('answers OPTIONS, as every request for which it is asked', async () => {
    const on = await start();
    expect(statusOf(await (await caller()).request('OPTIONS'))).toBe(200);
    expect(router.asked.at(-1)?.get('method')).toBe('OPTIONS');
    await quiet(on);
  });

  it('refuses whom no trunk lets in, and lets the connection go', async () => {
    const on = await start({ SIP_ALLOW: '192.0.2.0/24' });
    expect((await (await call()).answered).status).toBe(403);
    await quiet(on);
  });

  it('loses its calls with the server, and gets new ones when that is back', async () => {
    const on = await start();
    await heard(0, on);
    await server.kill();
    expect((await on.ended()).reason).toBe('connection-lost');
    await quiet(on);
    await server.restart();
    const again = await heard(1, on);
    expect(await again.hangup()).toBe(200);
    await quiet(on);
  });

  it('hangs up when it is stopped, is missed while it is away, and gets calls when it is back', async () => {
    const up = await heard(0, await start());
    await bridge?.discard();
    expect(await up.ended).toBe('bye');
    expect((await (await call()).answered).status).toBe(480);
    const on = await start();
    const again = await heard(0, on);
    expect(await again.hangup()).toBe(200);
    await quiet(on);
  });
});
