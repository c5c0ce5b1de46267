import type { ClientToolResult } from '../../agent/elevenlabs/protocol/messages.ts';
import type { SimConversation } from './conversation.ts';
import { otpTones } from './options.ts';

const sentenceMs = 800;
/** How long the caller may take to key a code, ms. */
const keyingMs = 60_000;

/**
 * The scripted verification: greets, has a code sent to the caller's own number, asks for it, has it checked, and
 * says good-bye whether it was right or the attempts are used up. Each sentence is a tone of its own.
 */
export async function verifyCaller(conversation: SimConversation, attempts: number): Promise<void> {
  const to = conversation.initiation?.dynamic_variables?.['caller_id'] ?? '';
  conversation.sayText('Welcome. I am sending you a code.');
  await conversation.say(otpTones.greeting, sentenceMs);
  const sent = await conversation.callTool('send_SMS_verification', { To: to, Channel: 'sms' });
  const approved = !sent.is_error && (await askForCode(conversation, to, attempts));
  conversation.nextTurn();
  conversation.sayText(approved ? 'Thank you, you are verified. Good-bye.' : 'That did not work. Good-bye.');
  await conversation.say(approved ? otpTones.success : otpTones.failure, sentenceMs);
  await conversation.endCall();
}

async function askForCode(
  conversation: SimConversation,
  to: string | number | boolean,
  attempts: number,
): Promise<boolean> {
  let heard = 0;
  for (let attempt = 0; attempt < attempts && conversation.closed === undefined; attempt++) {
    conversation.nextTurn();
    conversation.sayText('Please key in the code.');
    await conversation.say(otpTones.prompt, sentenceMs);
    // What was keyed before the prompt had ended counts too: people do not wait.
    const news = await conversation.until(({ told }) => {
      while (heard < told.length) {
        const found = newsIn(told[heard++]!);
        if (found !== undefined) return found;
      }
      return undefined;
    }, keyingMs);
    if (news === 'approved') return true;
    if (news === 'wrong') continue;
    const checked = await conversation.callTool('check_SMS_verification', { To: to, Code: news });
    if (isApproved(checked)) return true;
  }
  return false;
}

/** A code in what the bridge told, or what it says of one that was keyed past us. */
function newsIn(text: string): string | undefined {
  if (/keyed the code, and it was approved/.test(text)) return 'approved';
  if (/keyed a wrong code|keyed what cannot be the code/.test(text)) return 'wrong';
  return /\d{4,10}/.exec(text.replace(/[\s-]/g, ''))?.[0];
}

function isApproved(result: ClientToolResult): boolean {
  if (result.is_error) return false;
  const answer: unknown = JSON.parse(result.result);
  return typeof answer === 'object' && answer !== null && 'status' in answer && answer.status === 'approved';
}
