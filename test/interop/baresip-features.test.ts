import { describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../codecs/tones.ts';
import { Baresip, type BaresipOptions } from '../support/baresip.ts';
import { requirePrograms } from '../support/programs.ts';
import { levelAtAgent } from '../support/sound.ts';
import { StagedDaemon, type StageOptions } from '../support/staged-daemon.ts';
import { Telephone } from '../support/telephone.ts';
import { until } from '../support/until.ts';

const available = requirePrograms('features of baresip', ['baresip']);
const rate = 16_000;
const hz = 1000;
const saidDbfs = -12;

function tone(): Int16Array {
  const samples = new Int16Array(40 * rate);
  sine(rate, hz, saidDbfs).generate(samples, 0, samples.length);
  return samples;
}

/** Levels of the tone in each tenth of a second. */
function levels(samples: Int16Array): number[] {
  const detector = new ToneDetector(rate, hz);
  const window = rate / 10;
  return Array.from({ length: Math.floor(samples.length / window) }, (_, i) =>
    detector.level(samples, i * window, window),
  );
}

/** Runs a daemon and a call of baresip to it; `talk` begins once the call is established. */
async function withCall(
  stage: StageOptions,
  options: Partial<BaresipOptions>,
  talk: (phone: Baresip, daemon: StagedDaemon) => Promise<void>,
): Promise<void> {
  const daemon = await StagedDaemon.start({ agentId: 'agent', ...stage });
  try {
    const { folder, tls, world } = daemon;
    const common = { folder, sipPort: tls, ca: world.certificate.cert, sound: tone() };
    const phone = await Baresip.start({ ...common, ...options });
    try {
      phone.dial('+14155550199');
      await phone.event('CALL_ESTABLISHED');
      await talk(phone, daemon);
    } finally {
      await phone.stop();
    }
  } finally {
    expect(await daemon.stop()).toBe(0);
  }
}

const echo = { agents: { agent: { mode: 'echo' } } } as const;

describe.skipIf(!available)('a call of baresip', () => {
  it.each(['127.0.0.1', '::1'] as const)(
    'to %s over TLS, SRTP required, is held and taken back, and its keys arrive',
    async host => {
      const at = host === '::1' ? '[::1]' : host;
      const stage = { agent: echo, config: 'media:\n  encryption: required\n', sipListen: `tls://${at}:0` };
      await withCall(stage, { host, mediaEncryption: 'srtp-mand' }, async (phone, daemon) => {
        const conversation = await daemon.world.agent.conversation(0);
        const heard = () => levelAtAgent(conversation, hz, 500);
        await conversation.until(({ audioBytes }) => audioBytes >= 3 * rate * 2, 20_000);
        expect(heard()).toBeGreaterThan(saidDbfs - 3);
        phone.command('hold');
        const applied = async (index: number) => (await daemon.logs('media applied', index + 1))[index];
        expect((await applied(1))?.['outbound']).toContain('recvonly');
        await until(() => heard() < -60, 'silence at the agent, which is no friend of music on hold');
        phone.command('resume');
        expect((await applied(2))?.['outbound']).toContain('sendrecv');
        await until(() => heard() > saidDbfs - 3, 'the caller at the agent again');
        phone.command('sndcode', '42#');
        await until(() => conversation.userMessages.join().includes('42'), 'the keys at the agent');
        phone.command('hangup');
        const [ended] = await daemon.logs('call ended');
        expect(ended).toMatchObject({ reason: 'caller-hung-up', digits: 3 });
        expect(ended?.['encryption']).toBe('AES_CM_128_HMAC_SHA1_80');
        expect(daemon.logged('RTP source known')[0]?.['address']).toBe(host);
        await phone.event('CALL_CLOSED');
        // Up to the hold: after one, this version of baresip plays nothing of what it gets.
        const { samples } = phone.recording('dec');
        const loudest = levels(samples).sort((one, other) => other - one);
        expect(loudest[2]).toBeGreaterThan(saidDbfs - 3);
      });
    },
  );

  it('is handed over to another telephone by REFER, which it hears and is heard by', async () => {
    const telephone = await Telephone.open({ codec: 'G722' });
    try {
      const config = [
        'transfers:',
        '  - name: Support',
        `    sip_uri: "sip:support@127.0.0.1:${telephone.port};transport=tcp"`,
        '    transfer_type: sip_refer',
      ].join('\n');
      const agent = { agents: { agent: { mode: 'quiet' } } } as const;
      await withCall({ agent, config }, { takesTransfers: true }, async (phone, daemon) => {
        const conversation = await daemon.world.agent.conversation(0);
        await daemon.logs('call answered');
        const asked = conversation
          .callTool('transfer_to_number', { destination: 'Support' })
          .catch(() => undefined);
        const invite = await telephone.request('INVITE');
        expect(invite.start).toContain(`sip:support@127.0.0.1:${telephone.port}`);
        telephone.media.voice = sine(telephone.media.codec.rate, 700, saidDbfs);
        telephone.answer();
        const [ended] = await daemon.logs('call ended');
        expect(ended).toMatchObject({ reason: 'transferred', result: 'success' });
        expect(daemon.logged('transfer')).toMatchObject([{ way: 'refer', reason: 'transferred' }]);
        await until(() => telephone.media.heard.stretch(hz).ms >= 500, 'the caller at the telephone');
        phone.command('hangup');
        await asked;
      });
    } finally {
      await telephone.close();
    }
  });

  it('that wants to hand the bridge over by REFER is declined', async () => {
    await withCall({ agent: echo }, {}, async (phone, daemon) => {
      await daemon.logs('call answered');
      phone.command('transfer', 'sip:+19005550123@127.0.0.1:9;transport=tcp');
      expect((await phone.event('TRANSFER_FAILED'))['param']).toContain('603');
      // baresip itself hangs up then.
      const [ended] = await daemon.logs('call ended');
      expect(ended).toMatchObject({ reason: 'caller-hung-up' });
    });
  });
});
