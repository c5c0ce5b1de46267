import { generate } from 'selfsigned';
import { describe, expect, it } from 'vitest';
import { type Bridge, startBridge } from '../support/flow.ts';
import { toneHeard } from '../support/sound.ts';
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
