import type { Briefing } from '../agent/agent.ts';
import { type ClientData, mergeOverrides, readClientData } from '../agent/elevenlabs/protocol/client-data.ts';
import type { PartyFacts } from '../call/party.ts';
import type { Clock } from '../core/clock.ts';
import { type Ending, ending } from '../core/ending.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { EventSink } from '../core/events.ts';
import type { CallKey } from '../core/ids.ts';
import type { Logger } from '../core/logger.ts';
import type { WebhookAnswer, WebhookClient } from './client.ts';
import { webhookLimits } from './limits.ts';
import type { InitiationPolicy, InitiationSettings, RequestHeaders } from './settings.ts';

/** The call that the operator is asked about. */
export interface Question {
  readonly call: CallKey;
  readonly agentId: string;
  readonly direction: 'inbound' | 'outbound';
  readonly facts: PartyFacts;
  /** Variables that say who calls: nothing overrules them. */
  readonly identity: Readonly<Record<string, string>>;
  /** What the configuration has for the number that was called. */
  readonly standing?: ClientData;
  /** What the number says of the webhook; absent: the general policy. */
  readonly policy?: InitiationPolicy;
  readonly log: Logger;
}

export interface InitiationParts {
  /** What is configured now; undefined: nobody is asked. */
  readonly settings: () => (InitiationSettings & { readonly headers: RequestHeaders }) | undefined;
  readonly client: Pick<WebhookClient, 'post'>;
  readonly clock: Clock;
  readonly events: EventSink;
}

const nothing: ClientData = { variables: {}, ignored: [] };

/**
 * Asks the operator what a conversation shall begin with, as ElevenLabs' own telephony does, which does not for WebSockets.
 * Precedence of variables, the last wins: those of the number, those of the INVITE's headers, the webhook's, who calls.
 */
export class Initiation {
  readonly #parts: InitiationParts;

  constructor(parts: InitiationParts) {
    this.#parts = parts;
  }

  async brief(question: Question): Promise<Result<Briefing, Ending>> {
    const { settings, clock, events } = this.#parts;
    const now = settings();
    if (now === undefined || question.policy === 'off') return ok(briefing(question, nothing));
    const begun = clock.now();
    const answered = await this.#ask(question, now);
    const rejects = !answered.ok && (question.policy ?? now.onFailure) === 'reject';
    const outcome = answered.ok ? 'used' : rejects ? 'rejected' : 'defaults';
    const cause = answered.ok ? 'ok' : answered.failure.code;
    const detail = answered.ok ? '' : answered.failure.message;
    events.emit({ type: 'initiation', call: question.call, outcome, cause, detail, ms: clock.now() - begun });
    if (rejects) return fail(ending('initiation-failed', cause));
    return ok(briefing(question, answered.ok ? answered.value : nothing));
  }

  async #ask(
    question: Question,
    { url, headers, timeoutMs }: InitiationSettings & { readonly headers: RequestHeaders },
  ): Promise<Result<ClientData>> {
    const answer = await this.#parts.client.post({
      url,
      headers,
      body: JSON.stringify(bodyOf(question)),
      timing: {
        connectMs: Math.min(webhookLimits.connectMs, timeoutMs),
        firstByteMs: timeoutMs,
        totalMs: timeoutMs,
      },
      answerBytes: webhookLimits.initiationBytes,
    });
    if (!answer.ok) return answer;
    const data = dataIn(answer.value);
    if (data.ok && data.value.ignored.length > 0) {
      question.log.warn('the initiation webhook gave keys that are not used', { keys: data.value.ignored });
    }
    return data;
  }
}

/** The fields of ElevenLabs' own request, and the direction. */
function bodyOf({ agentId, direction, facts }: Question): object {
  return {
    caller_id: facts.callerId,
    agent_id: agentId,
    called_number: facts.calledNumber,
    call_sid: facts.callSid ?? facts.callId,
    call_id: facts.callId,
    sip_headers: facts.variables,
    direction,
  };
}

function dataIn({ status, body }: WebhookAnswer): Result<ClientData> {
  if (status >= 300 && status < 400)
    return refused('webhook-redirected', `it answered ${status}, and redirects are not followed`);
  if (status < 200 || status >= 300) return refused('webhook-status', `it answered with HTTP ${status}`);
  const text = body.toString('utf8').trim();
  // 204, or 200 without a body: there is nothing to say.
  if (text === '') return ok(nothing);
  let given: unknown;
  try {
    given = JSON.parse(text);
  } catch {
    return refused('webhook-bad-answer', 'its answer is no JSON');
  }
  const read = readClientData(given);
  return read.ok ? read : refused('webhook-bad-answer', read.failure.slice(0, 5).join('; '));
}

const refused = (code: string, message: string) => fail(new Failure(code, message));

function briefing({ facts, identity, standing = nothing }: Question, said: ClientData): Briefing {
  const overrides = mergeOverrides(standing.overrides, said.overrides);
  const extraBody = { ...standing.extraBody, ...said.extraBody };
  const userId = said.userId ?? standing.userId;
  const verifyNumber = said.verifyNumber ?? standing.verifyNumber;
  return {
    variables: { ...standing.variables, ...facts.variables, ...said.variables, ...identity },
    ...(overrides === undefined ? {} : { overrides }),
    ...(Object.keys(extraBody).length === 0 ? {} : { extraBody }),
    ...(userId === undefined ? {} : { userId }),
    ...(verifyNumber === undefined ? {} : { verifyNumber }),
  };
}
