import { bytesPerSample, sampleRate } from '../../core/audio.ts';
import type { SimConversation } from './conversation.ts';
import { echo } from './echo.ts';
import type { Misbehaviour } from './options.ts';
import { pause, pieceMs } from './pace.ts';
import { Voice } from './sound.ts';

/** The tone (Hz) of everything that is said here. */
const hz = 440;
const defaultFloodBytes = 1_500_000;

type Of<Kind extends Misbehaviour['kind']> = Extract<Misbehaviour, { kind: Kind }>;

/** Does the one thing wrong. `refuse` and its like never get here: they end before there is a conversation. */
export async function misbehave(how: Misbehaviour, conversation: SimConversation): Promise<void> {
  switch (how.kind) {
    case 'slow':
      if (await pause(how.delayMs, conversation.over)) conversation.sendMetadata();
      return echo(conversation);
    case 'silent':
    case 'refuse':
      return;
    case 'close':
      return closeEarly(how, conversation);
    case 'drop':
      conversation.sendMetadata();
      if (await pause(how.afterMetadataMs, conversation.over)) conversation.drop();
      return;
    case 'queue':
      return queue(how, conversation);
    case 'flood':
      return flood(how, conversation);
    case 'huge':
      conversation.sendMetadata();
      return conversation.sendAudio('A'.repeat(how.bytes - (how.bytes % 4)));
    case 'garbage':
      return garbage(how, conversation);
    case 'format':
      return conversation.sendMetadata(how.name);
    case 'no-overrides':
      return refuseOverrides(conversation);
    case 'interrupt':
      return interrupt(how, conversation);
  }
}

async function closeEarly(how: Of<'close'>, conversation: SimConversation): Promise<void> {
  if (how.when !== 'before-metadata') {
    conversation.sendMetadata();
    if (!(await pause(how.when.afterMetadataMs, conversation.over))) return;
  }
  if (how.errorType !== undefined) {
    const message = how.reason ?? '';
    conversation.send({ type: 'error', error_event: { code: how.code, error_type: how.errorType, message } });
  }
  conversation.close(how.code, how.reason);
}

async function queue(how: Of<'queue'>, conversation: SimConversation): Promise<void> {
  if (how.metadata === 'first') conversation.sendMetadata();
  conversation.send({ type: 'queue_status', queue_status_event: { status: 'waiting' } });
  if (!(await pause(how.waitMs, conversation.over))) return;
  conversation.send({ type: 'queue_status', queue_status_event: { status: how.outcome } });
  if (how.outcome === 'timed_out') return conversation.close(4300, 'timed_out');
  if (how.metadata === 'admission') conversation.sendMetadata();
  echo(conversation);
}

/** Everything at once, seconds ahead of when it can be heard. */
function flood(how: Of<'flood'>, conversation: SimConversation): void {
  conversation.sendMetadata();
  const { outputFormat } = conversation;
  const bytesPerMs = (sampleRate(outputFormat) * bytesPerSample(outputFormat)) / 1000;
  const messageMs = ((how.messageBytes ?? defaultFloodBytes) * 3) / 4 / bytesPerMs;
  const voice = new Voice(outputFormat, hz);
  for (let said = 0; said < how.seconds * 1000; said += messageMs) {
    const ms = Math.min(messageMs, how.seconds * 1000 - said);
    conversation.sendAudio(voice.next(ms).toString('base64'));
  }
}

function garbage(how: Of<'garbage'>, conversation: SimConversation): void {
  conversation.sendMetadata();
  const rubbish = {
    json: '{"type":"audio","audio_ev',
    shape: '{"type":"ping","ping_event":{"event_id":"seven"}}',
    binary: Buffer.from([0, 1, 2, 3]),
  }[how.what];
  for (let i = 0; i < how.count; i++) conversation.sendRaw(rubbish);
  echo(conversation);
}

/** As the real service does it: success signs first, and the refusal names the field. */
function refuseOverrides(conversation: SimConversation): void {
  conversation.sendMetadata();
  const overrides = conversation.initiation?.conversation_config_override;
  const field = Object.values(overrides ?? {}).flatMap(group => Object.keys(group as object))[0];
  if (field === undefined) return;
  conversation.close(1008, `Override for field '${field}' is not allowed by config`);
}

async function interrupt(how: Of<'interrupt'>, conversation: SimConversation): Promise<void> {
  conversation.sendMetadata();
  const said = conversation.say(hz, how.speakMs);
  if (!(await pause(how.atMs, conversation.over))) return;
  const interrupted = conversation.eventId;
  conversation.interrupt();
  await said;
  const late = new Voice(conversation.outputFormat, hz);
  for (let i = 0; i < how.latePieces; i++) {
    conversation.sendAudio(late.next(pieceMs).toString('base64'), interrupted);
  }
  echo(conversation);
}
