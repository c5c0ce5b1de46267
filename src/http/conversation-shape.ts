import { sentence } from '../core/ending.ts';
import { initiationSource, phoneCall } from '../core/phone-call.ts';
import type { CallRecord, RecordPrivate, ToolRun, Turn } from '../store/record.ts';

/** A call in the shape of ElevenLabs' ConversationSummaryResponseModel. */
export function summaryOf(record: CallRecord) {
  return {
    agent_id: record.agentId,
    conversation_id: record.conversationId,
    start_time_unix_secs: seconds(record.stages.begun),
    call_duration_secs: Math.round(record.seconds),
    message_count: record.messages,
    status: statusOf(record),
    termination_reason: record.end === undefined ? '' : sentence(record.end),
    call_successful: successOf(record),
    conversation_initiation_source: initiationSource(record),
    tool_names: [...new Set(record.tools.map(({ tool }) => tool))],
    direction: record.direction,
  };
}

/**
 * A call in the shape of ElevenLabs' GetConversationResponseModel, and what only this bridge knows under `trunkbridge`.
 * Without `secret` numbers are masked, and nobody's words are in it.
 */
export function conversationOf(record: CallRecord, secret: RecordPrivate | undefined) {
  const heard = (record.recording?.bytes ?? 0) > 0;
  return {
    agent_id: record.agentId,
    conversation_id: record.conversationId,
    status: statusOf(record),
    user_id: secret?.callerId ?? record.caller,
    has_audio: heard,
    has_user_audio: heard,
    has_response_audio: heard,
    has_auxiliary_audio: false,
    transcript: transcriptOf(record, secret?.transcript ?? []),
    metadata: metadataOf(record, secret),
    conversation_initiation_client_data: {
      dynamic_variables: secret?.variables ?? { caller_id: record.caller, called_number: record.called },
    },
    trunkbridge: ownFacts(record),
  };
}

function metadataOf(record: CallRecord, secret: RecordPrivate | undefined) {
  const { stages } = record;
  const caller = secret?.callerId ?? record.caller;
  const called = secret?.calledNumber ?? record.called;
  return {
    start_time_unix_secs: seconds(stages.begun),
    accepted_time_unix_secs: stages.answered === undefined ? null : seconds(stages.answered),
    call_duration_secs: Math.round(record.seconds),
    cost_fiat: null,
    termination_reason: record.end === undefined ? '' : sentence(record.end),
    warnings: record.warnings,
    conversation_initiation_source: initiationSource(record),
    phone_call: phoneCall(record, { caller, called }),
  };
}

function ownFacts(record: CallRecord) {
  const { end, stats } = record;
  return {
    call: record.key,
    conversation_ids: record.conversationIds,
    node: record.node,
    trunk: record.trunk,
    transport: record.transport,
    sip_call_id: record.sipCallId,
    caller_trusted: record.callerTrusted,
    stages: Object.fromEntries(
      Object.entries(record.stages).map(([stage, at]) => [stage, new Date(at).toISOString()]),
    ),
    ending: end === undefined ? null : { result: end.result, reason: end.reason, sentence: sentence(end) },
    answered: record.answered,
    verified: record.verified ?? null,
    tools: record.tools,
    codec: stats?.codec ?? null,
    encryption: stats?.encryption ?? null,
    agent_formats: record.agentFormats ?? null,
    quality: record.quality ?? null,
    media: stats ?? null,
    // While a call is up, what is kept says how its recording ended should this process be killed now.
    recording: record.state === 'running' ? null : (record.recording ?? null),
  };
}

/** Turns and tools in the order of their time. */
function transcriptOf(record: CallRecord, turns: readonly Turn[]) {
  const from = record.stages.answered ?? record.stages.begun;
  const said = turns.map(turn => ({ at: turn.at, entry: turnOf(turn) }));
  const done = record.tools.map((run, index) => {
    const at = Math.max(0, run.at - from) / 1000;
    return { at, entry: toolTurnOf(run, `${record.key}-${index}`, at) };
  });
  return [...said, ...done].sort((a, b) => a.at - b.at).map(({ entry }) => entry);
}

function turnOf({ role, message, at, interrupted, intended, withheld }: Turn) {
  return {
    role,
    message: withheld === true ? null : message,
    time_in_call_secs: Math.floor(at),
    interrupted: interrupted ?? false,
    ...(intended === undefined ? {} : { original_message: intended }),
    tool_calls: [],
    tool_results: [],
  };
}

function toolTurnOf(run: ToolRun, id: string, at: number) {
  return {
    role: 'agent',
    message: null,
    time_in_call_secs: Math.floor(at),
    tool_calls: [
      {
        type: 'client',
        request_id: id,
        tool_name: run.tool,
        params_as_json: JSON.stringify(run.arguments),
        tool_has_been_called: true,
      },
    ],
    tool_results: [
      {
        type: 'client',
        request_id: id,
        tool_name: run.tool,
        result_value: JSON.stringify({ status: run.status }),
        is_error: run.isError,
        tool_has_been_called: true,
        tool_latency_secs: run.ms / 1000,
      },
    ],
  };
}

function statusOf({ state, answered, end }: CallRecord): string {
  if (state === 'running') return answered ? 'in-progress' : 'initiated';
  return end?.result === 'success' ? 'done' : 'failed';
}

function successOf({ end }: CallRecord): string {
  if (end === undefined) return 'unknown';
  return end.result === 'success' ? 'success' : 'failure';
}

const seconds = (ms: number): number => Math.floor(ms / 1000);
