import { z } from 'zod';
import { type Clock, systemClock } from '../../core/clock.ts';
import type { Counters } from '../../store/store.ts';
import { type VerifyPort, verifyChannels } from '../../twilio/verify.ts';
import { phone } from '../field.ts';
import type { Gates } from '../gates.ts';
import type { SendingGate } from '../sending/gate.ts';
import type { Tool } from '../tool.ts';
import { type CheckInput, checkCode } from './check.ts';
import { codeField } from './code.ts';
import { checkKeyed } from './keyed.ts';
import { SecureKeypad } from './keypad.ts';
import { type VerifyLimits, verifyLimits } from './limits.ts';
import { onlyInTheCall } from './others.ts';
import type { VerifyParts } from './parts.ts';
import { PendingVerifications } from './pending.ts';
import { createVerifyPhoneTool } from './phone-tool.ts';
import type { VerifyPolicy } from './policy.ts';
import { type SendInput, sendCode } from './send.ts';

export interface VerifyToolsOptions {
  /** Asked at each use; undefined while there is no Verify service or no connection: the tools then say so. */
  readonly verify: () => VerifyPort | undefined;
  readonly gates: Gates;
  readonly policy: () => VerifyPolicy;
  /** What every send passes, a code to anybody but the caller too. */
  readonly gate: SendingGate;
  /** Numbers and services that we text from. */
  readonly senders?: () => readonly string[];
  readonly counters: Counters;
  readonly clock?: Clock;
  /** Country of numbers without a country code: ISO 3166, two letters. */
  readonly defaultCountry?: string | undefined;
  readonly limits?: Partial<VerifyLimits>;
}

export const verifyToolNames = ['send_SMS_verification', 'check_SMS_verification'] as const;

/**
 * The two tools of the OTP flow, by the names and parameters that agents are set up with, and `twilio_verify_phone`: three
 * doors to one verification.
 */
export function createVerifyTools(options: VerifyToolsOptions): Tool[] {
  const clock = options.clock ?? systemClock;
  const limits = { ...verifyLimits, ...options.limits };
  const parts: VerifyParts = {
    verify: options.verify,
    gates: options.gates,
    gate: options.gate,
    senders: options.senders ?? (() => []),
    clock,
    country: options.defaultCountry,
    limits,
    policy: options.policy,
    counters: options.counters,
    pending: new PendingVerifications(clock, limits),
    keypad: new SecureKeypad(
      clock,
      {
        keyed: (to, digits, context) => checkKeyed(parts, to, digits, context),
        expired: (_, context) => context.control.tell(expiredNotice, 'context'),
      },
      () => options.policy().secureKeypad,
    ),
  };
  const to = phone(options.defaultCountry);
  const send: Tool<SendInput> = {
    name: 'send_SMS_verification',
    description: 'Sends a one-time code to a telephone, by text message, call or WhatsApp.',
    input: z.object({ To: to, Channel: channel }),
    run: (input, context, signal) => sendCode(parts, send.name, input, context, signal),
  };
  const check: Tool<CheckInput> = {
    name: 'check_SMS_verification',
    description: 'Checks the one-time code that the caller reads back.',
    input: z.object({ To: to, Code: codeField }),
    run: (input, context, signal) => checkCode(parts, input, context, signal),
  };
  options.gate.register('verify', async () => ({ done: 'unprocessed', result: onlyInTheCall }));
  return [send as Tool, check as Tool, createVerifyPhoneTool(parts)];
}

const expiredNotice =
  'The code that the caller was sent has expired without being right. Offer to send a new one.';

/** Agents write "SMS" as well as "sms", and leave it out. */
const channel = z.preprocess(
  value => (typeof value === 'string' ? value.trim().toLowerCase() || undefined : (value ?? undefined)),
  z.enum(verifyChannels).default('sms'),
);
