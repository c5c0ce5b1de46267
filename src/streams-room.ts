import { answeredCall } from './agent-calls.ts';
import type { Config } from './config/config.ts';
import { twilioPaths } from './core/twilio-paths.ts';
import type { TwilioHandler } from './http/twilio.ts';
import { menuHandler, wishOf } from './menus-room.ts';
import { MessageIntake, type MessageIntakeParts } from './message-intake.ts';
import type { Pending } from './store/sends.ts';
import { StreamIntake, type StreamIntakeParts } from './stream-intake.ts';
import type { VoiceFallback } from './streams/party.ts';
import type { TwilioConnection } from './twilio/connection.ts';
import { WebhookCheck } from './twilio/webhook-check.ts';
import type { StreamDoor } from './worker/legs.ts';

export interface StreamsParts
  extends Omit<
      StreamIntakeParts,
      'publicUrl' | 'standingFallback' | 'account' | 'wish' | 'signatures' | 'complete'
    >,
    Pick<MessageIntakeParts, 'inboundMessages' | 'optOuts' | 'sent'> {
  /** What is configured now. */
  readonly now: () => Config;
  readonly connection: TwilioConnection;
  readonly pending: Pick<Pending, 'find'>;
}

/** What Twilio asks of us, and the streams that come of it. */
export interface StreamsRoom {
  readonly check: WebhookCheck;
  readonly handlers: Readonly<Record<string, TwilioHandler>>;
  /** Where the stream of a call is taken. */
  readonly take: (name: string) => StreamDoor | undefined;
}

/** Calls by media streams. Without PUBLIC_URL its webhooks say so, and nothing else works. */
export function composeStreams(parts: StreamsParts): StreamsRoom {
  const { now, connection, clock, log } = parts;
  const { publicUrl } = now().http;
  const check = new WebhookCheck(publicUrl, connection, clock);
  const intake = new StreamIntake({
    ...parts,
    publicUrl: publicUrl ?? '',
    standingFallback: () => fallbackOf(now().twilio.voiceFallback),
    account: () => connection.accountSid,
    async wish(query) {
      const answered = await answeredCall(parts.pending, query);
      if (answered.ok) return { ...wishOf(now(), query), ...answered.value };
      log.error('a call of an agent cannot begin', { cause: answered.failure });
      return undefined;
    },
    signatures: path => check.upgradeSignatures(path),
    complete(callSid) {
      const client = connection.client();
      // Without a way to tell it, Twilio ends the call by itself when the stream is closed.
      if (!client.ok) return;
      void client.value
        .call(sdk => sdk.calls(callSid).update({ status: 'completed' }))
        .then(done => {
          if (!done.ok) log.debug('Twilio was not told of the end of a call', { code: done.failure.code });
        });
    },
  });
  const messages = new MessageIntake({
    ...parts,
    calls: () => parts.registry.calls,
    settings: () => now().twilio,
  });
  return {
    check,
    take: intake.take,
    handlers: {
      [twilioPaths.voice]: request => intake.voice(request),
      [`${twilioPaths.menu}/:name`]: menuHandler(now, log),
      [twilioPaths.next]: async request => intake.next(request),
      [twilioPaths.dialled]: async request => intake.dialled(request),
      [twilioPaths.voiceFallback]: async request => intake.fallback(request),
      [twilioPaths.message]: request => messages.sms(request),
      [twilioPaths.messageStatus]: async request => {
        await messages.status(request);
        return undefined;
      },
      [twilioPaths.callStatus]: async request => {
        intake.status(request);
        return undefined;
      },
    },
  };
}

function fallbackOf(setting: string): VoiceFallback {
  return setting === 'busy' || setting === 'reject' ? { kind: setting } : { kind: 'redirect', url: setting };
}
