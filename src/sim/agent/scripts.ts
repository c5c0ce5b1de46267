import type { SimConversation } from './conversation.ts';
import { echo } from './echo.ts';
import { misbehave } from './misbehaviour.ts';
import type { SimScript } from './options.ts';
import { verifyCaller } from './otp.ts';

const otpAttempts = 3;
/** How long the initiation data may take after the socket has opened, ms. */
const initiationTimeoutMs = 10_000;

/** Plays a script in a conversation, from the initiation data to its end. */
export async function play(script: SimScript, conversation: SimConversation): Promise<void> {
  await conversation.until(({ initiation }) => initiation !== undefined, initiationTimeoutMs);
  if (script.mode === 'misbehave') return misbehave(script.how, conversation);
  conversation.sendMetadata();
  switch (script.mode) {
    case 'echo':
      return echo(conversation);
    case 'tone':
      await conversation.say(script.hz, script.seconds * 1000);
      if (script.endCall === true) await conversation.endCall();
      return;
    case 'otp':
      return verifyCaller(conversation, script.attempts ?? otpAttempts);
    case 'quiet':
      return;
  }
}
