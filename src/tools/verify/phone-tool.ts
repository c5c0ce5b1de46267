import { z } from 'zod';
import { toE164 } from '../../core/e164.ts';
import { type VerifyChannel, verifyChannels } from '../../twilio/verify.ts';
import { optional, required, word } from '../field.ts';
import type { Tool } from '../tool.ts';
import type { ToolSpec } from '../twilio-parts.ts';
import { checkCode } from './check.ts';
import { codeField } from './code.ts';
import { isEmail } from './destination.ts';
import type { VerifyParts } from './parts.ts';
import { sendCode } from './send.ts';

const actions = ['send_code', 'check_code'] as const;
const channels = [...verifyChannels, 'email'] as const satisfies readonly VerifyChannel[];

interface PhoneInput {
  readonly action: (typeof actions)[number];
  /** E.164, or an e-mail address. */
  readonly to: string;
  readonly channel?: VerifyChannel | undefined;
  /** Digits alone. */
  readonly code?: string | undefined;
}

const numberOrEmail = (country: string | undefined) =>
  z.string().transform((given, context) => {
    if (isEmail(given)) return given.toLowerCase();
    const number = toE164(given, country);
    if (number.ok) return number.value;
    const message = given.includes('@') ? 'is not an e-mail address' : number.failure.message;
    context.addIssue({ code: 'custom', message });
    return z.NEVER;
  });

const name = 'twilio_verify_phone';

export function verifyPhoneSpec(country: string | undefined): ToolSpec<PhoneInput> {
  const fields = z.object({
    action: required(word(actions), {
      description: 'send_code sends a one-time code; check_code checks the one that the caller reads out.',
    }),
    to: required(numberOrEmail(country), {
      description:
        'The telephone number with + and country code, for instance +14155550123; unless the caller names another one, it is {{caller_id}}. With the channel email an e-mail address.',
    }),
    channel: optional(word(channels), {
      description: 'send_code: how the code is sent; sms unless the caller wants something else.',
    }),
    code: optional(codeField, {
      description: 'check_code: the digits as text, with every zero in front, for instance 042917.',
    }),
  });
  return {
    name,
    description:
      "Proves who is calling by a one-time code. It goes to the caller's own number; to others only where the operator allows it. The caller is verified only if status is approved or already_verified. A code that the caller keys is checked without you: you are told. Never guess a code, and never repeat one aloud.",
    input: fields.check(({ value, issues }) => {
      const wrong = (path: string, message: string) =>
        issues.push({ code: 'custom', path: [path], message, input: value });
      const { action, to, channel, code } = value;
      if (action === 'check_code' && code === undefined) wrong('code', 'is missing');
      if (action === 'send_code' && (channel === 'email') !== isEmail(to)) {
        wrong('channel', 'must be email for an e-mail address, and for nothing else');
      }
    }),
  };
}

/**
 * `twilio_verify_phone`: another door to the same verification as `send_SMS_verification` and `check_SMS_verification`. Who may
 * use it at all the gate decides as for every tool of the account. A code to the caller's own number then needs no more than
 * the rules of codes; one to anybody else is a send like any other as well.
 */
export function createVerifyPhoneTool(parts: VerifyParts): Tool {
  const tool: Tool<PhoneInput> = {
    ...verifyPhoneSpec(parts.country),
    async run({ action, to, channel = 'sms', code }, context, signal) {
      const allowed = await parts.gate.read(
        { tool: name, action, numbers: isEmail(to) ? [] : [to] },
        context,
      );
      if (!allowed.go) return { ...allowed.result, valid: false };
      return action === 'send_code' || code === undefined
        ? sendCode(parts, name, { To: to, Channel: channel }, context, signal)
        : checkCode(parts, { To: to, Code: code }, context, signal);
    },
  };
  return tool as Tool;
}
