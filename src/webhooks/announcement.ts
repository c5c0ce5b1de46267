import { createHash } from 'node:crypto';
import { type Ending, type EndingReason, sentence } from '../core/ending.ts';
import { initiationSource, isStream, phoneCall } from '../core/phone-call.ts';
import type { CallRecord, RecordPrivate, Turn } from '../store/record.ts';
import type { OutboxMessage } from '../store/store.ts';
import type { WebhookEventName } from './settings.ts';

/** The one place that events go to, by its name in the queue. */
export const postCallTarget = 'post_call';

/** Final status that a caller was refused with; undefined where there was none of ours. */
export type StatusOf = (end: Ending) => number | undefined;

/**
 * What the operator is told of a call that is over: exactly one of `call_ended` (it was answered) and
 * `call_initiation_failure` (it never was), and the transcript where that was asked for. The body is made here once, so every
 * attempt carries the same bytes. Numbers are whole in it, codes and withheld turns are not there.
 */
export function announcements(
  events: readonly WebhookEventName[],
  record: CallRecord,
  secret: RecordPrivate,
  statusOf: StatusOf,
): OutboxMessage[] {
  const told: [WebhookEventName, object][] = record.answered
    ? [['call_ended', callEnded(record, secret)]]
    : [['call_initiation_failure', callFailed(record, secret, statusOf)]];
  if (record.answered && secret.transcript.length > 0) {
    told.push(['post_call_transcription', transcription(record, secret)]);
  }
  return told
    .filter(([kind]) => events.includes(kind))
    .map(([kind, data]) => ({ kind, target: postCallTarget, body: envelope(kind, record, data) }));
}

/** The same for the same event of the same call, however often it is sent: for the receiver to know it again. */
export const eventId = (call: string, kind: string): string =>
  `evt_${createHash('sha256').update(`${call} ${kind}`).digest('hex').slice(0, 32)}`;

function envelope(type: WebhookEventName, record: CallRecord, data: object): string {
  const timestamp = seconds(record.stages.ended ?? record.stages.begun);
  return JSON.stringify({
    type,
    event_timestamp: timestamp,
    source: 'trunkbridge',
    event_id: eventId(record.key, type),
    data,
  });
}

function callEnded(record: CallRecord, secret: RecordPrivate): object {
  const { key, agentFormats, quality, recording, verified, stats } = record;
  return {
    agent_id: record.agentId,
    conversation_id: record.conversationId,
    conversation_ids: record.conversationIds,
    call_key: key,
    call_id: record.callId,
    call_sid: record.callSid ?? null,
    ...(record.streamSid === undefined ? {} : { stream_sid: record.streamSid }),
    sip_call_id: record.sipCallId,
    direction: record.direction,
    trunk: record.trunk,
    transport: record.transport,
    from_number: secret.callerId,
    to_number: secret.calledNumber,
    caller_trusted: record.callerTrusted,
    start_time_unix_secs: seconds(record.stages.begun),
    accepted_time_unix_secs: secondsOrNull(record.stages.answered),
    end_time_unix_secs: secondsOrNull(record.stages.ended),
    call_duration_secs: Math.round(record.seconds),
    ending: endingOf(record.end),
    verified:
      verified === undefined
        ? null
        : { number: verified.number, channel: verified.channel, at_unix_secs: seconds(verified.at) },
    tools: record.tools.map(run => ({
      tool: run.tool,
      at_unix_secs: seconds(run.at),
      ms: Math.round(run.ms),
      status: run.status,
      is_error: run.isError,
    })),
    messages: record.messages,
    codec: stats?.codec ?? null,
    agent_formats: agentFormats ?? null,
    quality:
      quality === undefined
        ? null
        : {
            mos: quality.mos,
            loss: quality.loss,
            jitter_ms: quality.jitterMs,
            lateness_ms: quality.latenessMs ?? null,
          },
    has_audio: recording !== undefined,
    warnings: record.warnings,
  };
}

/** ElevenLabs' words for why nobody talked; it has no more of them. */
const failureReasons: Partial<Record<EndingReason, 'busy' | 'no-answer'>> = {
  'callee-busy': 'busy',
  'agent-busy': 'busy',
  'callee-no-answer': 'no-answer',
  'ring-timeout': 'no-answer',
};

/** In ElevenLabs' own shape, with what it has no place for beside it. */
function callFailed(record: CallRecord, secret: RecordPrivate, statusOf: StatusOf): object {
  const { end } = record;
  const status = end === undefined || record.direction === 'outbound' ? undefined : statusOf(end);
  return {
    agent_id: record.agentId,
    conversation_id: record.conversationId,
    failure_reason: (end === undefined ? undefined : failureReasons[end.reason]) ?? 'unknown',
    metadata: isStream(record) ? twilioFailure(record, secret) : sipFailure(record, secret, status),
    call_key: record.key,
    start_time_unix_secs: seconds(record.stages.begun),
    ending: endingOf(end),
  };
}

function sipFailure(record: CallRecord, secret: RecordPrivate, status: number | undefined): object {
  return {
    type: 'sip',
    body: {
      from_number: secret.callerId,
      to_number: secret.calledNumber,
      sip_status_code: status ?? null,
      error_reason: record.end?.reason ?? 'interrupted',
      call_sid: record.callSid ?? record.callId,
      call_id: record.callId,
      sip_call_id: record.sipCallId,
      direction: record.direction,
      trunk: record.trunk,
    },
  };
}

/** Twilio's word for a call that was not answered, by how it ended here; every other has failed. */
const twilioStatuses: Partial<Record<EndingReason, 'busy' | 'no-answer' | 'canceled'>> = {
  ...failureReasons,
  'caller-cancelled': 'canceled',
};

/** What Twilio's own status callback says of such a call, in its own names. */
function twilioFailure({ end, direction, ...record }: CallRecord, secret: RecordPrivate): object {
  return {
    type: 'twilio',
    body: {
      CallSid: record.callSid ?? record.callId,
      From: secret.callerId,
      To: secret.calledNumber,
      Direction: direction === 'outbound' ? 'outbound-api' : direction,
      CallStatus: (end === undefined ? undefined : twilioStatuses[end.reason]) ?? 'failed',
      error_reason: end?.reason ?? 'interrupted',
      trunk: record.trunk,
    },
  };
}

function transcription(record: CallRecord, secret: RecordPrivate): object {
  const numbers = { caller: secret.callerId, called: secret.calledNumber };
  return {
    agent_id: record.agentId,
    conversation_id: record.conversationId,
    status: record.end?.result === 'success' ? 'done' : 'failed',
    user_id: secret.callerId === '' ? null : secret.callerId,
    transcript: secret.transcript.map(turnOf),
    metadata: {
      start_time_unix_secs: seconds(record.stages.begun),
      accepted_time_unix_secs: secondsOrNull(record.stages.answered),
      call_duration_secs: Math.round(record.seconds),
      termination_reason: record.end === undefined ? '' : sentence(record.end),
      conversation_initiation_source: initiationSource(record),
      phone_call: { ...phoneCall(record, numbers), call_result: 'answered' },
    },
    analysis: null,
    conversation_initiation_client_data: {
      type: 'conversation_initiation_client_data',
      dynamic_variables: Object.fromEntries(
        Object.entries(secret.variables).filter(([name]) => !name.startsWith('secret__')),
      ),
    },
    has_audio: record.recording !== undefined,
  };
}

/** What was said while a code was pending is told to nobody. */
function turnOf({ role, message, at, interrupted, intended, withheld }: Turn): object {
  const hidden = withheld === true;
  return {
    role,
    message: hidden ? null : message,
    ...(hidden ? { withheld: true } : {}),
    time_in_call_secs: Math.round(at),
    tool_calls: [],
    tool_results: [],
    interrupted: interrupted === true,
    ...(intended === undefined || hidden ? {} : { original_message: intended }),
  };
}

const endingOf = (end: Ending | undefined): object | null =>
  end === undefined ? null : { result: end.result, reason: end.reason, sentence: sentence(end) };

const seconds = (ms: number): number => Math.floor(ms / 1000);
const secondsOrNull = (ms: number | undefined): number | null => (ms === undefined ? null : seconds(ms));
