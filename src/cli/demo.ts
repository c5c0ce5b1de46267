import { writeFileSync } from 'node:fs';
import { Tone, ToneDetector } from '../../codecs/tones.ts';
import { startApp } from '../app.ts';
import { loadConfig } from '../config/load.ts';
import { writeProblems } from '../config/problem.ts';
import { maskNumber } from '../core/mask.ts';
import type { SimConversation } from '../sim/agent/conversation.ts';
import { otpTones } from '../sim/agent/options.ts';
import type { SimCall } from '../sim/caller/call.ts';
import { SimCaller } from '../sim/caller/caller.ts';
import { stereoWav } from '../sim/caller/sound.ts';
import { SimWorld } from '../sim/world.ts';
import { type Command, exitCodes } from './command.ts';

/** The caller of the demo, and what that caller hums: one tone that G.711 carries and one that only G.722 does. */
const callerNumber = '+14155550123';
const hum = [1000, 5000] as const;
/** A tone counts as heard above this level. */
const heardDbfs = -40;
/** How long the caller takes to read a text message, ms. */
const readingMs = 2500;
/** The demo gives up after so long, ms. */
const patienceMs = 60_000;

export const command: Command = {
  usage: '[--json] [--wav FILE]',
  options: { json: { type: 'boolean' }, wav: { type: 'string' } },
  help: () => `Plays a whole call on loopback, with nothing to configure: a caller over TLS with G.722 reaches an agent,
which greets, texts a one-time code, hears it keyed, has it approved and says goodbye. ElevenLabs, Twilio and the
caller are stand-ins in this process; the bridge between them is the real one.

Exits with 0 only if each side heard the tones of the other and the code was approved.

Options:
      --json      print one line of JSON with what was measured at the end
      --wav FILE  where the recording goes: caller left, agent right (default: demo-call.wav)
  -h, --help      this text

Examples:
  npm run demo
  trunkbridge demo --json --wav /tmp/call.wav`,
  async run(args, io) {
    const wav = typeof args['wav'] === 'string' ? args['wav'] : 'demo-call.wav';
    const worked = await demo({ json: args['json'] === true, wav }, line => io.out(line));
    return worked ? exitCodes.ok : exitCodes.failed;
  },
};

export interface DemoOptions {
  /** One line of JSON at the end instead of a verdict in words. */
  readonly json: boolean;
  /** Where the stereo WAV goes: caller left, agent right. */
  readonly wav: string;
}

/** What the demo measured. Levels in dBFS, times in ms. */
interface Measured {
  readonly ok: boolean;
  readonly problems: readonly string[];
  readonly codec: string;
  readonly transport: string;
  readonly inviteToAnswerMs: number;
  readonly callMs: number;
  readonly greetingHeardMs: number;
  readonly greetingDbfs: number;
  readonly callerHeardByAgentDbfs: Readonly<Record<string, number>>;
  readonly verification: string;
  readonly endedBy: string;
  readonly packetsReceived: number;
  readonly packetsLost: number;
  readonly longestGapMs: number;
  readonly wav: string;
}

/** Plays a whole call, from the INVITE to the agent's goodbye, with everything in this process. Tells whether it went well. */
export async function demo(options: DemoOptions, print: (line: string) => void): Promise<boolean> {
  const begun = performance.now();
  const note = (who: string, what: string) =>
    print(`${((performance.now() - begun) / 1000).toFixed(3).padStart(8)} s  ${who.padEnd(8)} ${what}`);
  const world = await SimWorld.start({
    agentId: 'agent_otp',
    agent: { agents: { agent_otp: { mode: 'otp', inputFormat: 'pcm_16000', outputFormat: 'pcm_16000' } } },
  });
  const loaded = loadConfig({ env: { ...world.environment(), LOG_LEVEL: 'error', MEDIA_WORKERS: '1' } });
  if (!loaded.ok) throw new Error(writeProblems(loaded.failure));
  const app = await startApp(loaded.value.config);
  note('bridge', 'listens for SIP over TLS on loopback; ElevenLabs and Twilio are stand-ins');
  const port = app.sip.find(listen => listen.transport === 'tls')?.port ?? 0;
  const caller = await SimCaller.connect({
    transport: 'tls',
    host: '127.0.0.1',
    port,
    ca: world.certificate.cert,
  });
  try {
    const measured = await play({ world, caller, note, wav: options.wav });
    print(options.json ? JSON.stringify(measured) : verdict(measured));
    return measured.ok;
  } finally {
    caller.close();
    await app.close();
    await world.close();
  }
}

interface Stage {
  readonly world: SimWorld;
  readonly caller: SimCaller;
  readonly note: (who: string, what: string) => void;
  readonly wav: string;
}

async function play({ world, caller, note, wav }: Stage): Promise<Measured> {
  note('caller', `INVITE over TLS with G.722 from ${maskNumber(callerNumber)}`);
  const call = await caller.call({
    codec: 'G722',
    from: callerNumber,
    headers: [
      ['X-CALL-ID', 'demo-1'],
      ['X-CALLER-ID', callerNumber],
    ],
  });
  call.media.voice = new Tone(16_000, { frequenciesHz: hum, levelDbfs: -20 });
  const answer = await call.answered;
  if (answer.status !== 200) throw new Error(`the bridge answered ${answer.status}`);
  note('bridge', `rang, dialled the agent, answered 200 after ${Math.round(answer.ms)} ms`);
  const conversation = await world.agent.waitFor(agent => agent.conversations[0], patienceMs);
  note(
    'agent',
    `knows call_id ${conversation.initiation?.dynamic_variables?.['call_id']}, speaks its greeting`,
  );
  await verify(world, call, note);
  const endedBy = await Promise.race([call.ended, gaveUp()]);
  note('agent', 'said goodbye and ended the call');
  note(
    'bridge',
    endedBy === 'bye' ? 'played the last sentence, then sent BYE' : `the call ended by ${endedBy}`,
  );
  writeFileSync(wav, stereoWav(call.media.said, call.media.heard));
  note('demo', `wrote ${wav}: caller left, agent right`);
  return measure({ call, conversation, endedBy, wav, answerMs: answer.ms });
}

/** The text message arrives, and the caller keys its code. */
async function verify(world: SimWorld, call: SimCall, note: Stage['note']): Promise<void> {
  const conversation = world.agent.conversations[0];
  await world.agent.waitFor(() => world.twilio.texts[0], patienceMs);
  note('agent', 'asked for a verification: send_SMS_verification to the number of the caller');
  note('twilio', `"texted" a code to ${maskNumber(callerNumber)}`);
  await conversation?.until(each => each.toolResults[0], patienceMs);
  // The first key would cut the agent short: this caller listens to the end of the sentence, then reads.
  await pause(readingMs);
  note('caller', 'has read the message and keys the code (RFC 4733), then #');
  call.media.key(`${world.twilio.codeFor(callerNumber)}#`);
  await conversation?.until(each => each.userMessages[0], patienceMs);
  note('bridge', 'had the code checked past the agent, which got neither digits nor tones');
  note('agent', `was told: "${conversation === undefined ? '' : verdictIn(conversation)}"`);
}

/** What the agent was told last of the code. */
const verdictIn = ({ contextualUpdates }: SimConversation) => contextualUpdates.at(-1) ?? '';

const pause = (ms: number) => new Promise(resolve => setTimeout(resolve, ms));

const gaveUp = () =>
  new Promise<'timeout'>(resolve => {
    setTimeout(() => resolve('timeout'), patienceMs).unref();
  });

interface Played {
  readonly call: SimCall;
  readonly conversation: SimConversation;
  readonly endedBy: string;
  readonly wav: string;
  readonly answerMs: number;
}

function measure({ call, conversation, endedBy, wav, answerMs }: Played): Measured {
  const { heard, reception } = call.media;
  const greeting = heard.stretch(otpTones.greeting, heardDbfs);
  const greetingDbfs = greeting.ms === 0 ? -120 : heard.level(otpTones.greeting, greeting.from, greeting.to);
  const byAgent = Object.fromEntries(
    hum.map(hz => [`${hz}Hz`, round(levelAtAgent(conversation.audio(), hz))]),
  );
  const told = verdictIn(conversation);
  const problems: string[] = [];
  if (greeting.ms < 200) problems.push('the caller did not hear the greeting of the agent');
  for (const [tone, level] of Object.entries(byAgent)) {
    if (level < heardDbfs) problems.push(`the agent did not hear the ${tone} tone of the caller`);
  }
  if (!told.includes('approved')) problems.push('the code was not approved');
  if (endedBy !== 'bye') problems.push('the bridge did not hang up after the goodbye');
  if (conversation.violations.length > 0) problems.push(`protocol: ${conversation.violations.join(', ')}`);
  return {
    ok: problems.length === 0,
    problems,
    codec: 'G722',
    transport: 'tls',
    inviteToAnswerMs: round(answerMs),
    callMs: round(heard.ms),
    greetingHeardMs: greeting.ms,
    greetingDbfs: round(greetingDbfs),
    callerHeardByAgentDbfs: byAgent,
    verification: told.includes('approved') ? 'approved' : 'not approved',
    endedBy,
    packetsReceived: reception.packets,
    packetsLost: reception.lost,
    longestGapMs: round(reception.longestGap),
    wav,
  };
}

/** Level of a tone in the second half-second of what the agent got: 16 kHz, 16 bits, little-endian. */
function levelAtAgent(bytes: Buffer, hz: number): number {
  const samples = new Int16Array(Math.floor(bytes.length / 2));
  for (let i = 0; i < samples.length; i += 1) samples[i] = bytes.readInt16LE(i * 2);
  const detector = new ToneDetector(16_000, hz);
  let loudest = -120;
  for (let at = 0; at + 8000 <= samples.length; at += 4000) {
    loudest = Math.max(loudest, detector.level(samples, at, 8000));
  }
  return loudest;
}

const round = (value: number) => Math.round(value * 10) / 10;

function verdict(measured: Measured): string {
  const { callerHeardByAgentDbfs: heard, ok, problems } = measured;
  const levels = Object.entries(heard).map(([tone, level]) => `${tone} at ${level} dBFS`);
  const lines = [
    '',
    ok ? 'It works: sound went both ways and the code was approved.' : `It failed: ${problems.join('; ')}.`,
    `  caller heard the agent's greeting for ${measured.greetingHeardMs} ms at ${measured.greetingDbfs} dBFS`,
    `  agent heard the caller's ${levels.join(' and ')} (G.711 could not carry 5000 Hz)`,
    `  verification ${measured.verification}; ${measured.packetsReceived} packets, ${measured.packetsLost} lost`,
  ];
  return lines.join('\n');
}
