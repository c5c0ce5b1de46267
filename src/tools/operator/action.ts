import type { z } from 'zod';
import type { ActionOutcome } from '../../core/action-outcome.ts';
import type { Money } from '../../core/tool-facts.ts';
import type { OptOutPair } from '../../store/sends.ts';
import type { TwilioCaller } from '../../twilio/client.ts';
import type { TwilioFailure } from '../../twilio/failure.ts';
import type { CostTable } from '../sending/costs.ts';
import { doneBy } from '../sending/done.ts';
import type { SendOutcome } from '../sending/gate.ts';
import { outcomeOf } from '../twilio-outcomes.ts';

export type Refused = Extract<ActionOutcome, { ok: false }>;

/** What came of something that leaves, and whether anything has left. */
export interface Written {
  readonly outcome: ActionOutcome;
  readonly done: SendOutcome['done'];
  /** Twilio's id of what was taken (SM…, MM…, CA…): its price is looked up by it later. */
  readonly sid?: string;
}

/** Something that is to leave, with everything that it needs. */
export interface Prepared {
  readonly what: 'message' | 'call';
  /** Prices as the configuration has them now. */
  cost(prices: { readonly costs: CostTable; readonly currency: string }): Money;
  /** Whom it goes to, E.164. */
  readonly to: string;
  /** Who is written to by whom. */
  readonly pair?: OptOutPair;
  perform(client: TwilioCaller): Promise<Written>;
}

/** One thing that the operator's programs may have done: a look, or something that leaves. */
export type Action =
  | {
      readonly kind: 'read';
      readonly input: z.ZodType;
      run(input: never, client: TwilioCaller): Promise<ActionOutcome>;
    }
  | {
      readonly kind: 'write';
      readonly input: z.ZodType;
      prepare(input: never): Prepared | Refused;
    };

export const no = (status: string, message: string): Refused => ({ ok: false, status, message });

/** A sentence for an agent, as a program gets it: without what only an agent could do. */
export const withoutAgents = (message: string): string =>
  message.replace(/ (Offer|Ask the caller)[^.]*\./g, '');

/** A failure of Twilio's as programs get it. */
export function failed(failure: TwilioFailure, on: 'write' | 'read'): Refused {
  const { status, message, after } = outcomeOf(failure, on);
  const seconds = failure.retryAfterSeconds ?? after;
  return {
    ok: false,
    status,
    message: withoutAgents(message),
    ...(failure.errorCode === undefined ? {} : { errorCode: failure.errorCode }),
    ...(seconds === undefined ? {} : { retryAfterSeconds: seconds }),
  };
}

/** What a program is told that cannot ask anybody whether it arrived. */
const unsure: Readonly<Record<Prepared['what'], string>> = {
  message:
    'It is not known whether this was sent. Before you ask for it again, see whether Twilio has it (GET /v1/twilio/messages).',
  call: 'It is not known whether this call was made. Before you ask for it again, see whether Twilio has it: who was called may be answering.',
};

/** The same of something that was to leave. */
export function unwritten(failure: TwilioFailure, what: Prepared['what']): Written {
  const done = doneBy(failure);
  const outcome = failed(failure, 'write');
  return { outcome: done === 'unknown' ? { ...outcome, message: unsure[what] } : outcome, done };
}
