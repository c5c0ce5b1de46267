import { fail, type Result } from '../../core/errors.ts';
import { isPassing, TwilioFailure } from '../../twilio/failure.ts';
import type { VerificationSent, VerifyChannel, VerifyPort } from '../../twilio/verify.ts';
import type { ToolContext } from '../tool.ts';
import { dryRun, isOwnNumber, notConfigured, type SendGate, spoken } from './destination.ts';
import { lineKind } from './line-kind.ts';
import { type CodeOutcome, type CodeResult, throughGate } from './others.ts';
import { failedResult, type VerifyResult } from './outcomes.ts';
import { exhausted, isOpen, type VerifyParts } from './parts.ts';
import type { PendingVerification } from './pending.ts';
import { giveBack, objection, takeSend } from './permission.ts';
import { stateResult } from './states.ts';

export interface SendInput {
  /** E.164. */
  readonly To: string;
  readonly Channel: VerifyChannel;
}

/** Sends a code for a tool, or says why not. A send that the agent repeats at once is not sent again. */
export function sendCode(
  parts: VerifyParts,
  tool: string,
  input: SendInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<CodeResult> {
  return parts.pending.inTurn(context.call, input.To, async () => {
    signal.throwIfAborted();
    const { telephone } = context.verified;
    const { pending } = parts;
    const verify = parts.verify();
    if (verify === undefined) return notConfigured;
    if (context.verified.of(input.To) !== undefined) return alreadyVerified;
    const refused = await objection(parts, input.To, context);
    if (refused !== undefined) return refused;
    const gate: SendGate = isOwnNumber(context, input.To, parts.country) ? 'own-number' : 'other-number';
    const known = pending.get(context.call, input.To);
    const answered = known && withoutSending(parts, known, input.Channel, input.To, telephone);
    if (answered !== undefined) return { ...answered, gate };
    if (parts.policy().dryRun) return { ...(await rehearsed(parts, input.To, context)), gate };
    // A switch that is turned meanwhile has the last word.
    const send = async () => {
      const outcome = await secured(parts, verify, input, context, signal);
      const entry = parts.pending.get(context.call, input.To);
      if (entry !== undefined && (outcome.done === 'sent' || outcome.done === 'unknown'))
        entry.telephone = telephone;
      return outcome;
    };
    if (gate === 'own-number') return { gate, ...(await send()).result };
    const what = { tool, to: input.To, channel: input.Channel };
    return { gate, ...(await throughGate(parts, what, context, signal, send)) };
  });
}

/** What is answered where a send would change nothing, or Verify would refuse it. */
function withoutSending(
  parts: VerifyParts,
  known: PendingVerification,
  channel: VerifyChannel,
  to: string,
  telephone: number,
): VerifyResult | undefined {
  const { clock, limits } = parts;
  const tooMany = exhausted(parts, known);
  if (tooMany !== undefined) return tooMany;
  const { sent } = known;
  const forThis = known.telephone === telephone && known.verifiedAt === undefined;
  if (sent !== undefined && forThis && [sent.asked, sent.channel].includes(channel)) {
    const { perhaps } = sent;
    const leftMs = sent.at - clock.now() + (retryMs(perhaps) ?? parts.policy().resendAfterMs);
    if (leftMs > 0)
      return perhaps === undefined
        ? underway(sent.channel, to, known)
        : { ...perhaps, retry_after_s: Math.ceil(leftMs / 1000) };
  }
  if (!isOpen(parts, known) || known.sends < limits.sends) return undefined;
  return {
    status: 'max_sends_reached',
    valid: false,
    retry_after_s: Math.ceil((known.begunAt + limits.codeLifeMs - clock.now()) / 1000),
    message:
      'This code was sent as often as it may be. Use the last one; else offer to hand over to a person.',
  };
}

/** A dry run goes as far as the limits, and leaves them as they were: they count codes that are really sent. */
async function rehearsed(parts: VerifyParts, to: string, context: ToolContext): Promise<VerifyResult> {
  const taken = await takeSend(parts, to, context);
  if (!taken.ok) return taken.failure;
  await giveBack(parts, taken.value, context);
  return dryRun;
}

/** Time after which an answer says that a new try makes sense, ms. */
const retryMs = (result: VerifyResult | undefined) =>
  result?.retry_after_s === undefined ? undefined : result.retry_after_s * 1000;

/**
 * The worker is in secure mode before anything leaves: a code that exists can only be keyed in it. It stays in it unless there
 * certainly is no code that could be right, and after a fault too: what throws has perhaps sent one.
 */
async function secured(
  parts: VerifyParts,
  verify: VerifyPort,
  input: SendInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<CodeOutcome> {
  const { clock, limits, pending, keypad } = parts;
  const before = pending.get(context.call, input.To);
  const until =
    (before !== undefined && isOpen(parts, before) ? before.begunAt : clock.now()) + limits.codeLifeMs;
  if (!(await keypad.expect(input.To, context, until))) return { result: over, done: 'unprocessed' };
  const outcome = await sent(parts, verify, input, context, signal);
  const known = pending.get(context.call, input.To);
  if (known !== undefined && isOpen(parts, known)) {
    keypad.until(input.To, context.call, known.begunAt + limits.codeLifeMs);
  } else if (outcome.older === true) keypad.older(input.To, context.call);
  else keypad.settle(input.To, context.call);
  return outcome;
}

interface Sent extends CodeOutcome {
  /** No code was sent, but one that was sent before may still be right, in this call or an earlier one. */
  readonly older?: boolean;
}

/** One code, counted before its request leaves; what is counted is given back when there certainly is none. */
async function sent(
  parts: VerifyParts,
  verify: VerifyPort,
  { To, Channel }: SendInput,
  context: ToolContext,
  signal: AbortSignal,
): Promise<Sent> {
  const { landlineCall } = parts.policy();
  const taken = await takeSend(parts, To, context);
  if (!taken.ok) return { result: taken.failure, done: 'unprocessed', older: countsStill(taken.failure) };
  const request = async (by: VerifyChannel): Promise<SendAnswer> => {
    if (signal.aborted) return fail(over);
    const refused = await objection(parts, To, context);
    return refused === undefined ? verify.send(To, by, signal) : fail(refused);
  };
  const toLandline = Channel === 'sms' && landlineCall && lineKind(To) === 'landline';
  let channel: VerifyChannel = toLandline ? 'call' : Channel;
  let answer = await request(channel);
  if (channel === 'sms' && landlineCall && isLandline(answer)) {
    channel = 'call';
    answer = await request(channel);
  }
  if (!answer.ok) {
    const { failure } = answer;
    const byTwilio = failure instanceof TwilioFailure;
    const result = byTwilio ? failedResult(failure, 'send') : failure;
    if (!byTwilio || isPassing(failure)) {
      await giveBack(parts, taken.value, context);
      return { result, done: 'unprocessed', older: byTwilio && failure.errorCode === beingSent };
    }
    if (result.status !== 'unavailable') return { result, done: 'refused', older: countsStill(result) };
    notePerhaps(parts, To, { channel, asked: Channel, perhaps: result }, context);
    return { result, done: 'unknown' };
  }
  const { verificationSid, status } = answer.value;
  if (status !== 'pending') return { result: stateResult(status, false), done: 'refused' };
  const entry = parts.pending.begin(context.call, To, verificationSid);
  entry.sends += 1;
  entry.sent = { channel, asked: Channel, at: parts.clock.now() };
  return { result: underway(channel, To, entry), done: 'sent' };
}

/** A code may be on its way all the same: it can be checked, and is not sent again when the agent repeats itself at once. */
function notePerhaps(
  parts: VerifyParts,
  to: string,
  how: Omit<NonNullable<PendingVerification['sent']>, 'at'>,
  { call }: ToolContext,
): void {
  const known = parts.pending.get(call, to);
  const goesOn = known?.sid !== undefined && isOpen(parts, known);
  const entry = goesOn ? known : parts.pending.begin(call, to, undefined);
  entry.sends += 1;
  entry.sent = { ...how, at: parts.clock.now() };
}

/** Whether what kept a code from being sent is that there were so many: of these one may still be right. */
const countsStill = ({ status }: VerifyResult): boolean => status === 'max_sends_reached';

/** Verify's word for a code that another request is having sent at the moment. */
const beingSent = 60212;

type SendAnswer = Result<VerificationSent, TwilioFailure | VerifyResult>;

/** Verify does not send texts to landlines (60205). */
function isLandline(answer: SendAnswer): boolean {
  return !answer.ok && answer.failure instanceof TwilioFailure && answer.failure.errorCode === 60205;
}

const alreadyVerified: VerifyResult = {
  status: 'already_verified',
  valid: true,
  message: 'This number was verified a moment ago in this call: no code was sent, and none is needed.',
};

const over: VerifyResult = { status: 'failed', valid: false, message: 'The call is over: nothing was sent.' };

const ways: Readonly<Record<VerifyChannel, string>> = {
  sms: 'A text message with the code is on its way to',
  call: 'A call that speaks the code is on its way to',
  whatsapp: 'A WhatsApp message with the code is on its way to',
  email: 'An e-mail with the code is on its way to',
};

function underway(channel: VerifyChannel, to: string, entry: PendingVerification): VerifyResult {
  return {
    status: 'pending',
    valid: false,
    attempts_left: entry.checksLeft,
    message: `${ways[channel]} ${spoken(to)}. Ask the caller for the code.`,
  };
}
