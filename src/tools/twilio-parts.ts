import { fail, ok, type Result } from '../core/errors.ts';
import type { TwilioCaller } from '../twilio/client.ts';
import type { TwilioConnection } from '../twilio/connection.ts';
import { isPassing, type TwilioFailure } from '../twilio/failure.ts';
import type { SentMessages } from './messaging/sent-messages.ts';
import { person } from './person.ts';
import type { Reading, SendingGate } from './sending/gate.ts';
import type { Tool, ToolContext, ToolResult } from './tool.ts';
import { twilioFailed } from './twilio-outcomes.ts';

/** What the tools of the Twilio account work with. */
export interface TwilioToolParts {
  readonly twilio: TwilioConnection;
  readonly gate: SendingGate;
  readonly sent: SentMessages;
  /** Where Twilio tells what became of a message; undefined where nothing of ours can be reached. */
  readonly statusCallback: () => string | undefined;
  /** Country of numbers without a country code: ISO 3166, two letters. */
  readonly country: string | undefined;
}

/** What is told of a tool before there is one: to the toolbox, to ElevenLabs, to whoever reads the documents. */
export type ToolSpec<Input> = Pick<Tool<Input>, 'name' | 'description' | 'input'>;

/** A setting is missing. */
export const notConfigured = (what: string): ToolResult => ({
  status: 'not_configured',
  message: `${what} ${person}`,
});

/**
 * Looks something up in the account, where the gate lets this caller. What was counted is given back where Twilio certainly
 * did nothing.
 */
export async function looked<T>(
  { twilio, gate }: Pick<TwilioToolParts, 'twilio' | 'gate'>,
  reading: Reading,
  context: ToolContext,
  look: (client: TwilioCaller) => Promise<Result<T, TwilioFailure>>,
): Promise<Result<T, ToolResult>> {
  const allowed = await gate.read(reading, context);
  if (!allowed.go) return fail(allowed.result);
  const client = twilio.client();
  if (!client.ok) {
    await allowed.giveBack();
    return fail(notConfigured(client.failure.message));
  }
  const answer = await look(client.value.traced(requestId => context.note({ requestId })));
  if (answer.ok) return ok(answer.value);
  const { failure } = answer;
  if (failure.requestId !== undefined) context.note({ requestId: failure.requestId });
  if (isPassing(failure)) await allowed.giveBack();
  context.log.info('Twilio did not answer a tool', {
    tool: reading.tool,
    code: failure.code,
    status: failure.status,
    errorCode: failure.errorCode,
  });
  return fail(twilioFailed(failure, 'read'));
}
