import type { VerifyChannel } from '../../twilio/verify.ts';
import type { ToolContext } from '../tool.ts';
import { notConfigured, permission, refusals, spoken } from './destination.ts';
import type { VerifyLimits } from './limits.ts';
import { failedResult, type VerifyResult } from './outcomes.ts';
import { exhausted, type VerifyParts } from './parts.ts';
import type { PendingVerification } from './pending.ts';
import { stateResult } from './states.ts';

export interface SendInput {
  /** E.164. */
  readonly To: string;
  readonly Channel: VerifyChannel;
}

/** Sends a code, or says why not. A send that the agent repeats at once is not sent again. */
export function sendCode(
  parts: VerifyParts,
  input: SendInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<VerifyResult> {
  return parts.pending.inTurn(context.call, input.To, async () => {
    signal.throwIfAborted();
    const { verify, pending, limits, clock } = parts;
    if (verify === undefined) return notConfigured;
    const allowed = await permission(parts.gates, context.facts, input.To, parts.country);
    if (allowed === 'not-allowed' || allowed === 'switched-off') return refusals[allowed];
    const known = pending.get(context.call, input.To);
    const tooMany = known && exhausted(parts, known);
    if (tooMany !== undefined) return tooMany;
    if (known !== undefined && repeats(known, input.Channel, clock.now(), limits)) {
      return underway(input, known);
    }
    signal.throwIfAborted();
    const sent = await verify.send(input.To, input.Channel, signal);
    if (!sent.ok) return failedResult(sent.failure, 'send');
    if (sent.value.status !== 'pending') return stateResult(sent.value.status, false);
    const entry = pending.begin(context.call, input.To, sent.value.verificationSid);
    entry.sent = { channel: input.Channel, at: clock.now() };
    return underway(input, entry);
  });
}

function repeats(
  known: PendingVerification,
  channel: VerifyChannel,
  now: number,
  limits: VerifyLimits,
): boolean {
  const { sent, verifiedAt } = known;
  return verifiedAt === undefined && sent?.channel === channel && now - sent.at < limits.repeatMs;
}

const ways: Readonly<Record<VerifyChannel, string>> = {
  sms: 'A text message with the code is on its way to',
  call: 'A call that speaks the code is on its way to',
  whatsapp: 'A WhatsApp message with the code is on its way to',
};

function underway(input: SendInput, entry: PendingVerification): VerifyResult {
  return {
    status: 'pending',
    valid: false,
    attempts_left: entry.checksLeft,
    message: `${ways[input.Channel]} ${spoken(input.To)}. Ask the caller for the code.`,
  };
}
