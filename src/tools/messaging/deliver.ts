import type { TwilioFailure } from '../../twilio/failure.ts';
import { type MessageContent, type MessageSender, sendMessage } from '../../twilio/messages.ts';
import { doneBy } from '../sending/done.ts';
import type { Perform, Send, SendOutcome } from '../sending/gate.ts';
import { outcomeOfCode, twilioFailed } from '../twilio-outcomes.ts';
import { notConfigured, type TwilioToolParts } from '../twilio-parts.ts';
import { spoken } from '../verify/destination.ts';

/** How a kind of message is made of what was let go. */
interface Letter {
  /** As Twilio takes it. */
  readonly to: string;
  readonly sender: MessageSender;
  readonly content: MessageContent;
}

/** Sends what the gate let go, and says what came of it. */
export function delivery(
  parts: Pick<TwilioToolParts, 'twilio' | 'sent' | 'statusCallback'>,
  letterOf: (send: Send) => Letter,
): Perform {
  return async (send, signal, context) => {
    const client = parts.twilio.client();
    if (!client.ok) return { done: 'unprocessed', result: notConfigured(client.failure.message) };
    const callback = parts.statusCallback();
    let requestId: string | undefined;
    const answer = await sendMessage(
      client.value.traced(id => {
        requestId = id;
      }),
      { ...letterOf(send), ...(callback === undefined ? {} : { statusCallback: callback }) },
      signal,
    );
    if (!answer.ok) {
      const { failure } = answer;
      const { code, status, errorCode } = failure;
      context?.log.info('a message was not taken', { tool: send.tool, code, status, errorCode });
      return { ...failed(failure), ...traced(failure.requestId ?? requestId) };
    }
    const { sid, status, errorCode } = answer.value;
    if (status === 'failed' || status === 'undelivered') {
      return { ...stillborn(errorCode, sid), ...traced(requestId) };
    }
    if (context !== undefined) parts.sent.note(sid, send.to, context);
    const told = callback === undefined ? '' : ' You are told if it does not arrive.';
    return {
      done: 'sent',
      result: {
        status,
        message: `The message is on its way to ${spoken(send.to)}.${told}`,
        message_sid: sid,
      },
      sid,
      ...traced(requestId),
    };
  };
}

const traced = (requestId: string | undefined) => (requestId === undefined ? {} : { requestId });

function failed(failure: TwilioFailure): SendOutcome {
  return { done: doneBy(failure), result: twilioFailed(failure, 'write') };
}

/** Twilio took it and has given it up at once. */
function stillborn(errorCode: number | undefined, sid: string): SendOutcome {
  const outcome = errorCode === undefined ? undefined : outcomeOfCode(errorCode);
  return {
    done: errorCode === 21610 ? 'opted-out' : 'refused',
    result: {
      status: outcome?.status ?? 'failed',
      message: outcome?.message ?? 'Twilio could not send the message. Offer another way.',
      ...(errorCode === undefined ? {} : { error_code: errorCode }),
      message_sid: sid,
    },
  };
}
