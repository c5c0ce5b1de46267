import type { Clock } from '../../core/clock.ts';
import { type Ending, ending } from '../../core/ending.ts';
import { messageOf } from '../../core/errors.ts';
import type { Logger } from '../../core/logger.ts';
import { requestFactsOf } from '../embedded/dialog/facts.ts';
import { type Objection, screen } from '../embedded/dialog/screening.ts';
import type { SipRequest } from '../embedded/message/message.ts';
import { tagOf } from '../embedded/transaction/key.ts';
import type { Answer } from '../embedded/transaction/server.ts';
import type { RefusalCause } from '../embedded/transport/connection.ts';
import type { Admission, OnInvite, RequestFacts, Source } from '../signalling.ts';
import { capabilityLines, extensionObjection } from './capabilities.ts';
import type { Environment } from './environment.ts';
import type { DrachtioLimits } from './limits.ts';
import { readRequest, sourceOf } from './message.ts';
import { reply } from './reply.ts';
import type { Srf, SrfRequest, SrfResponse } from './srf.ts';
import { DrachtioUas } from './uas.ts';

export interface ReceptionOptions {
  readonly clock: Clock;
  readonly limits: DrachtioLimits;
  readonly log: Logger;
  readonly environment: Environment;
  /** Why a peer at this IP literal may not talk to us now. */
  readonly objection: (address: string) => RefusalCause | undefined;
  readonly gate: (request: RequestFacts) => Admission;
  readonly onInvite: OnInvite;
  readonly onRefused: (cause: RefusalCause, address: string) => void;
  readonly onInviteRefused: (status: number, end: Ending, address: string) => void;
  /** Calls that are up or on their way. */
  readonly calls: () => number;
  readonly onCall: (call: DrachtioUas) => void;
}

/** A request outside of any dialogue. */
interface Arrived {
  readonly srf: Srf;
  readonly request: SrfRequest;
  readonly response: SrfResponse;
  readonly source: Source;
}

const refusedSource: Answer = { status: 403 };

/** What the server gives us outside of dialogues: each INVITE becomes a call, or gets its refusal. */
export class Reception {
  readonly #options: ReceptionOptions;
  /** By Call-ID: the package tells of a CANCEL by nothing else. */
  readonly #pending = new Map<string, DrachtioUas>();
  #draining = false;

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  drain(): void {
    this.#draining = true;
  }

  forget(call: object): void {
    for (const [callId, pending] of this.#pending) if (pending === call) this.#pending.delete(callId);
  }

  /** Handles one request. What goes wrong in here costs the request a 500, and nothing else anything. */
  request(srf: Srf, request: SrfRequest, response: SrfResponse): void {
    const source = sourceOf(request);
    const arrived: Arrived = { srf, request, response, source };
    try {
      this.#options.environment.tap('in', source, request.raw);
      const cause = this.#options.objection(source.address);
      const message = readRequest(request.raw);
      if (cause !== undefined) {
        this.#options.onRefused(cause, source.address);
        this.#refuse(arrived, refusedSource, ending('source-not-allowed'));
      } else if (!message.ok) {
        const { status, reason } = message.failure;
        this.#refuse(arrived, { status: status === 0 ? 400 : status, reason }, ending('bad-request'));
      } else this.#judge(arrived, message.value);
    } catch (error) {
      this.#options.log.error('a fault in handling a request', { error: messageOf(error) });
      if (!response.finalResponseSent) this.#answer(arrived, { status: 500 });
    }
  }

  /** A request inside a dialogue that is over, or in none at all. */
  stray({ method }: SrfRequest, response: SrfResponse): void {
    if (method !== 'ACK') reply(response, { status: 481 });
  }

  #judge(arrived: Arrived, message: SipRequest): void {
    const { gate, limits, calls } = this.#options;
    const admission = gate(requestFactsOf(message, arrived.source));
    if (admission.verdict !== 'pass') {
      // Silence is not to be had: a request that is not answered stays in the server for ever.
      const { status, end, headers } =
        admission.verdict === 'refuse'
          ? admission
          : { status: 403, end: ending('source-not-allowed'), headers: [] };
      return this.#refuse(arrived, { status, headers }, end);
    }
    const callId = message.headers.get('Call-ID') ?? '';
    const objection =
      dialogueObjection(message) ??
      extensionObjection(message) ??
      screen(message, {
        looped: false,
        // The package would take the CANCEL of one for the other's.
        merged: message.method === 'INVITE' && this.#pending.get(callId)?.pending === true,
        draining: this.#draining,
        full: calls() >= limits.dialogs,
        retryAfter: limits.retryAfterSeconds,
        bounds: limits,
      }) ??
      contactObjection(arrived, message);
    if (objection !== undefined) this.#refuse(arrived, objection.answer, objection.end);
    else if (message.method === 'INVITE') this.#invite(arrived, message, admission.trunk, callId);
    else this.#answer(arrived, { status: 200, headers: capabilityLines });
  }

  #invite(arrived: Arrived, message: SipRequest, trunk: string | undefined, callId: string): void {
    const { environment, log, onInvite, onCall } = this.#options;
    const call = new DrachtioUas({ ...arrived, message, trunk }, environment);
    this.#pending.set(callId, call);
    onCall(call);
    try {
      onInvite(call);
    } catch (error) {
      log.error('a fault in taking a call', { sipCallId: callId, error: messageOf(error) });
      call.reject(500, ending('internal-error'));
    }
  }

  #refuse(arrived: Arrived, answer: Answer, end: Ending): void {
    this.#answer(arrived, answer);
    if (arrived.request.method === 'INVITE') {
      this.#options.onInviteRefused(answer.status, end, arrived.source.address);
    }
  }

  #answer({ request, response, source }: Arrived, answer: Answer): void {
    const { environment, log } = this.#options;
    reply(response, answer, (failure, raw) => {
      if (raw !== undefined) environment.tap('out', source, raw);
      if (failure !== undefined) log.debug('a response did not go out', { why: failure.message });
      environment.release(request.socket);
    });
  }
}

/** RFC 3261 section 12.2.2: what names a dialogue that nobody knows. */
function dialogueObjection({ headers }: SipRequest): Objection | undefined {
  if (tagOf(headers.get('To')) === undefined) return undefined;
  return { answer: { status: 481 }, end: ending('bad-request') };
}

/**
 * RFC 3261 section 8.1.1.8. The package finds out too late: it sends the 200 to a caller whose Contact it cannot read,
 * and then has no dialogue for it.
 */
function contactObjection({ request }: Arrived, { method }: SipRequest): Objection | undefined {
  if (method !== 'INVITE' || canBeSpokenTo(request)) return undefined;
  return { answer: { status: 400, reason: 'Bad Contact Header' }, end: ending('bad-request') };
}

function canBeSpokenTo(request: SrfRequest): boolean {
  if (!request.has('Contact')) return false;
  try {
    const contacts: unknown = request.getParsedHeader('Contact');
    return Array.isArray(contacts) && typeof contacts[0]?.uri === 'string';
  } catch {
    // What its parser throws is of no use to anybody: the answer says what is wrong.
    return false;
  }
}
