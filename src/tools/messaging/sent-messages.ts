import type { Clock } from '../../core/clock.ts';
import type { ToolContext } from '../tool.ts';
import { outcomeOfCode } from '../twilio-outcomes.ts';
import { spoken } from '../verify/destination.ts';

export const sentMessageLimits = {
  /** Messages whose outcome somebody waits for; above it the oldest is forgotten. */
  kept: 5_000,
  /** How long an outcome is waited for, ms. */
  keepMs: 3_600_000,
  /** Outcomes that came before their message was known to be sent. */
  early: 500,
  /** How long these are kept, ms. */
  earlyMs: 30_000,
} as const;

/** What Twilio's status callback says of a message. */
export interface MessageReport {
  /** SM… or MM…. */
  readonly sid: string;
  /** sent, delivered, undelivered, failed, read … */
  readonly status: string;
  readonly errorCode?: number | undefined;
}

interface Sent {
  readonly to: string;
  readonly context: ToolContext;
  readonly at: number;
}

const arrived: ReadonlySet<string> = new Set(['delivered', 'read']);
const lost: ReadonlySet<string> = new Set(['failed', 'undelivered', 'canceled']);

/**
 * Which call sent which message, so that a failure that Twilio tells of afterwards (63016 above all: WhatsApp's window)
 * reaches the agent while it still talks. Bounded and forgetful; what is forgotten is only not told.
 */
export class SentMessages {
  readonly #clock: Clock;
  readonly #sent = new Map<string, Sent>();
  readonly #early = new Map<string, { readonly report: MessageReport; readonly at: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Messages that are waited for. */
  get size(): number {
    return this.#sent.size;
  }

  /** A message is on its way; `context` is that of the call that sent it. */
  note(sid: string, to: string, context: ToolContext): void {
    const now = this.#clock.now();
    trim(this.#sent, sentMessageLimits.kept, now - sentMessageLimits.keepMs);
    this.#sent.set(sid, { to, context, at: now });
    const early = this.#early.get(sid);
    if (early === undefined) return;
    this.#early.delete(sid);
    this.report(early.report);
  }

  /** What became of a message; true when the call that sent it was told. Callbacks may be repeated and out of order. */
  report(report: MessageReport): boolean {
    const { sid, status, errorCode } = report;
    const final = arrived.has(status) || lost.has(status);
    const now = this.#clock.now();
    const sent = this.#sent.get(sid);
    if (sent === undefined || now - sent.at >= sentMessageLimits.keepMs) {
      if (final) this.#keepEarly(report, now);
      return false;
    }
    if (!final) return false;
    this.#sent.delete(sid);
    const { context, to } = sent;
    if (lost.has(status)) {
      context.log.info('a message was not delivered', { status, errorCode });
      context.control.tell(undelivered(to, errorCode), 'context');
    } else context.control.tell(`The message to ${spoken(to)} was delivered.`, 'context');
    return true;
  }

  #keepEarly(report: MessageReport, now: number): void {
    trim(this.#early, sentMessageLimits.early, now - sentMessageLimits.earlyMs);
    this.#early.set(report.sid, { report, at: now });
  }
}

function undelivered(to: string, errorCode: number | undefined): string {
  const outcome = errorCode === undefined ? undefined : outcomeOfCode(errorCode);
  const why = outcome?.message ?? 'Offer another way.';
  return `The message to ${spoken(to)} was not delivered. ${why}`;
}

/** Makes room for one more. Entries are in the order of their time. */
function trim(entries: Map<string, { readonly at: number }>, most: number, staleAt: number): void {
  for (const [key, { at }] of entries) {
    if (entries.size < most && at > staleAt) return;
    entries.delete(key);
  }
}
