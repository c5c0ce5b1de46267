import { describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../codecs/tones.ts';
import { SrtpReceiver } from '../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../src/media/srtp/sender.ts';
import { readCrypto } from '../../src/sdp/crypto.ts';
import { parseSdp } from '../../src/sdp/parser.ts';
import { freshKey, type SrtpKey, type SrtpSuite } from '../../src/sdp/srtp-key.ts';
import { decode as decodeAgentSound } from '../../src/sim/agent/sound.ts';
import { Baresip, type BaresipOptions } from '../support/baresip.ts';
import { Capture, mayCapture } from '../support/capture.ts';
import { requirePrograms } from '../support/programs.ts';
import { portOf, SecurePhone } from '../support/secure-phone.ts';
import { StagedDaemon } from '../support/staged-daemon.ts';
import { until } from '../support/until.ts';

const suiteName = 'SRTP on the wire';
const available = requirePrograms(suiteName, ['baresip', 'tshark']) && mayCapture(suiteName);
const rate = 16_000;
const hz = 1000;
const saidDbfs = -12;
/** No other test has these. */
const firstPort = 31_000;
const lastPort = 31_099;
/** Bytes of 20 ms of G.711 or G.722 with a header, plain and with each tag. */
const plainBytes = 172;
const protectedBytes: Readonly<Record<SrtpSuite, number>> = {
  AES_CM_128_HMAC_SHA1_80: 182,
  AES_CM_128_HMAC_SHA1_32: 176,
  AES_256_CM_HMAC_SHA1_80: 182,
  AES_256_CM_HMAC_SHA1_32: 176,
  AEAD_AES_128_GCM: 188,
};

function tone(): Int16Array {
  const samples = new Int16Array(30 * rate);
  sine(rate, hz, saidDbfs).generate(samples, 0, samples.length);
  return samples;
}

/** Level of the tone over the second before the last half second, which the end of the call may have cut. */
function level(samples: Int16Array): number {
  const from = samples.length - 1.5 * rate;
  if (from < 0) throw new Error(`only ${samples.length} samples were recorded`);
  return new ToneDetector(rate, hz).level(samples, Math.floor(from), rate);
}

interface Scene {
  readonly daemon: StagedDaemon;
  readonly capture: Capture;
}

/** A daemon with an agent that repeats what it hears, and a capture of everything on its media ports. */
async function withDaemon(encryption: string, play: (scene: Scene) => Promise<void>): Promise<Capture> {
  const daemon = await StagedDaemon.start({
    agentId: 'agent',
    agent: { agents: { agent: { mode: 'echo' } } },
    config: `media:\n  encryption: ${encryption}\n`,
    env: { RTP_PORTS: `${firstPort}-${lastPort}` },
  });
  const capture = await Capture.start(firstPort, lastPort);
  try {
    await play({ daemon, capture });
    expect(daemon.child.output).not.toContain('inline:');
  } finally {
    await capture.stop();
    expect(await daemon.stop()).toBe(0);
  }
  return capture;
}

const lengthsOf = (capture: Capture) => [
  ...new Set(
    capture
      .packets()
      .filter(({ payload }) => (payload[1] ?? 0) < 192 || (payload[1] ?? 0) > 223)
      .map(({ payload }) => payload.length),
  ),
];

async function baresipCall(
  { daemon }: Scene,
  mediaEncryption: NonNullable<BaresipOptions['mediaEncryption']>,
): Promise<void> {
  const { tls, world, folder } = daemon;
  const options = { folder, sipPort: tls, ca: world.certificate.cert, sound: tone(), mediaEncryption };
  const phone = await Baresip.start(options);
  try {
    phone.dial('+14155550199');
    await phone.event('CALL_ESTABLISHED');
    const conversation = await world.agent.conversation(0);
    await conversation.until(({ audioBytes }) => audioBytes >= 4 * rate * 2, 20_000);
    phone.command('hangup');
    await phone.event('CALL_CLOSED');
    expect(Math.abs(level(phone.recording('dec').samples) - saidDbfs)).toBeLessThan(3);
    expect(Math.abs(level(decodeAgentSound(conversation.audio(), 'pcm_16000')) - saidDbfs)).toBeLessThan(3);
  } finally {
    await phone.stop();
  }
}

const ended = (daemon: StagedDaemon) => until(() => daemon.logged('call ended')[0], 'the call to end');

describe.skipIf(!available)('baresip over TLS', () => {
  it.each([
    ['srtp-mand', 'required'],
    ['srtp', 'allowed'],
  ] as const)('with %s hears itself where SRTP is %s, and no packet is plain', async (offers, policy) => {
    let suite: SrtpSuite | undefined;
    const capture = await withDaemon(policy, async scene => {
      await baresipCall(scene, offers);
      const end = await ended(scene.daemon);
      suite = end['encryption'] as SrtpSuite;
      // baresip itself sends an RTCP APP before its SRTP is set up, and its BYE when it is gone again: both in the clear.
      expect(end['packetsUnauthentic']).toBeLessThanOrEqual(2);
      expect(end).toMatchObject({ packetsLost: 0 });
    });
    expect(suite === undefined ? undefined : protectedBytes[suite]).toBeDefined();
    expect(lengthsOf(capture)).toEqual([protectedBytes[suite ?? 'AEAD_AES_128_GCM']]);
    expect(capture.packets().length).toBeGreaterThan(300);
  });
});

/** Our key as the bridge's SDP gives it to the peer, with its tag. */
function bridgeKey(sdp: string, suite: SrtpSuite): { readonly tag: string; readonly key: SrtpKey } {
  const parsed = parseSdp(sdp);
  if (!parsed.ok) throw parsed.failure;
  const line = readCrypto(parsed.value.media[0]?.attributes ?? []).find(({ key }) => key.suite === suite);
  if (line === undefined) throw new Error(`no key for ${suite} in the SDP`);
  return line;
}

async function withPhone(
  { daemon }: Scene,
  transport: 'tcp' | 'tls',
  talk: (phone: SecurePhone) => Promise<void>,
): Promise<void> {
  const { world } = daemon;
  const phone = await SecurePhone.connect({
    transport,
    sipPort: daemon[transport],
    ca: world.certificate.cert,
  });
  try {
    await talk(phone);
  } finally {
    phone.close();
  }
}

/** Speaks for a while, and checks that every packet that comes meanwhile opens under the key of the bridge. */
async function converse(phone: SecurePhone, sdp: string, sender: SrtpSender, receiver: SrtpReceiver) {
  phone.heard.length = 0;
  for (let packet = 0; packet < 50; packet++) {
    phone.speak(sdp, Buffer.alloc(160, 0x80 + (packet & 7)), sender);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
  const heard = phone.heard.splice(0);
  expect(heard.length).toBeGreaterThan(30);
  expect(heard.filter(packet => receiver.openRtp(packet) !== plainBytes)).toEqual([]);
}

describe.skipIf(!available)('a trunk that requires SRTP', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80';

  it.each([
    ['tls', 'RTP/AVP', false],
    ['tls', 'RTP/SAVP', false],
    ['tcp', 'RTP/AVP', true],
    ['tcp', 'RTP/SAVP', true],
    ['tcp', undefined, false],
  ] as const)('refuses an INVITE over %s with %s (keys: %s) with 488', async (transport, profile, keys) => {
    const capture = await withDaemon('required', async scene => {
      await withPhone(scene, transport, async phone => {
        const sdp = profile && phone.sdp(profile, keys ? [freshKey(suite)] : []);
        const response = await phone.invite(sdp);
        expect(response.status).toBe(488);
        expect(response.headers.get('warning')).toContain('SRTP is required');
      });
      expect(scene.daemon.logged('call arrived')).toEqual([]);
    });
    expect(capture.packets()).toEqual([]);
  });

  it('refuses a re-INVITE to RTP/AVP with 488, and the call goes on encrypted', async () => {
    const capture = await withDaemon('required', async scene => {
      await withPhone(scene, 'tls', async phone => {
        const key = freshKey(suite);
        const answered = await phone.invite(phone.sdp('RTP/SAVP', [key]));
        expect(answered.status).toBe(200);
        phone.ack();
        const sdp = answered.body.toString();
        const sender = new SrtpSender(key);
        const receiver = new SrtpReceiver(bridgeKey(sdp, suite).key);
        await converse(phone, sdp, sender, receiver);
        for (const offer of [phone.sdp('RTP/AVP'), phone.sdp('RTP/SAVP')]) {
          expect((await phone.invite(offer)).status).toBe(488);
          await converse(phone, sdp, sender, receiver);
        }
        // What changes nothing is answered as before, and both counters go on.
        const again = await phone.invite(phone.sdp('RTP/SAVP', [key]));
        expect([again.status, again.body.toString()]).toEqual([200, sdp]);
        phone.ack();
        await converse(phone, sdp, sender, receiver);
        expect(await phone.bye()).toBe(200);
      });
      expect(await ended(scene.daemon)).toMatchObject({ encryption: suite, packetsUnauthentic: 0 });
    });
    expect(lengthsOf(capture)).toEqual([protectedBytes[suite]]);
  });

  it.each(['AES_CM_128_HMAC_SHA1_32', 'AES_256_CM_HMAC_SHA1_80', 'AEAD_AES_128_GCM'] as const)(
    'offers RTP/SAVP itself, and talks under %s when that is the answer',
    async chosen => {
      const capture = await withDaemon('required', async scene => {
        await withPhone(scene, 'tls', async phone => {
          const offered = (await phone.invite()).body.toString();
          expect(offered).toContain('RTP/SAVP');
          const { tag, key: theirs } = bridgeKey(offered, chosen);
          const key = freshKey(chosen);
          phone.ack(phone.sdp('RTP/SAVP', [key]).replace('a=crypto:1 ', `a=crypto:${tag} `));
          await until(() => phone.heard.length > 0, 'the first packet');
          await converse(phone, offered, new SrtpSender(key), new SrtpReceiver(theirs));
          expect(await phone.bye()).toBe(200);
        });
      });
      expect(lengthsOf(capture)).toEqual([protectedBytes[chosen]]);
    },
  );

  it('hangs up when its offer is answered with RTP/AVP, and sends no packet', async () => {
    const capture = await withDaemon('required', async scene => {
      await withPhone(scene, 'tls', async phone => {
        expect((await phone.invite()).status).toBe(200);
        phone.ack(phone.sdp('RTP/AVP'));
        await phone.untilBye();
      });
      expect(await ended(scene.daemon)).toMatchObject({ reason: 'encryption-required' });
    });
    expect(capture.packets()).toEqual([]);
  });
});

describe.skipIf(!available)('a call with SRTP', () => {
  const suite = 'AES_CM_128_HMAC_SHA1_80';

  it('survives 10,000 wrong and 10,000 replayed packets, and counts them', async () => {
    await withDaemon('allowed', async scene => {
      await withPhone(scene, 'tls', async phone => {
        const key = freshKey(suite);
        const sdp = (await phone.invite(phone.sdp('RTP/AVP', [key]))).body.toString();
        phone.ack();
        const sender = new SrtpSender(key);
        const receiver = new SrtpReceiver(bridgeKey(sdp, suite).key);
        await converse(phone, sdp, sender, receiver);
        const good = phone.speak(sdp, Buffer.alloc(160, 0x90), sender);
        for (let i = 0; i < 10_000; i++) {
          const wrong = Buffer.from(good);
          wrong.writeUInt16BE((good.readUInt16BE(2) + 1 + (i % 500)) & 0xffff, 2);
          phone.media.send(wrong, portOf(sdp), '127.0.0.1');
          phone.media.send(good, portOf(sdp), '127.0.0.1');
          if (i % 20 === 19) await new Promise(resolve => setTimeout(resolve, 5));
        }
        await converse(phone, sdp, sender, receiver);
        expect(await phone.bye()).toBe(200);
      });
      const end = await ended(scene.daemon);
      expect(end).toMatchObject({ reason: 'caller-hung-up' });
      // The kernel may drop some of a flood before anybody sees them.
      expect(end['packetsUnauthentic']).toBeGreaterThan(15_000);
      expect(end['packetsUnauthentic']).toBeLessThanOrEqual(20_000);
    });
  });

  it('is plain, and says so, where the keys came over cleartext signalling', async () => {
    const capture = await withDaemon('allowed', async scene => {
      await withPhone(scene, 'tcp', async phone => {
        const answered = await phone.invite(phone.sdp('RTP/AVP', [freshKey(suite)]));
        expect(answered.status).toBe(200);
        expect(answered.body.toString()).not.toContain('crypto');
        phone.ack();
        await until(() => phone.heard.length > 10, 'packets');
        expect(await phone.bye()).toBe(200);
      });
      expect((await scene.daemon.logs('offered keys were not used'))[0]).toMatchObject({
        cause: 'cleartext-signalling',
      });
      await withPhone(scene, 'tcp', async phone => {
        expect((await phone.invite(phone.sdp('RTP/SAVP', [freshKey(suite)]))).status).toBe(488);
      });
    });
    expect(lengthsOf(capture)).toEqual([plainBytes]);
  });
});
