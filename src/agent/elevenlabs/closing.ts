import { type Ending, type EndingReason, ending } from '../../core/ending.ts';
import { outOfDescriptors } from '../../core/errors.ts';
import type { ReportedError } from './protocol/reader.ts';
import type { SocketEnd } from './socket.ts';

/** What an `error_type` of an error event means. `unknown` is no row here, because the text may know more. */
const byErrorType: Readonly<Record<string, EndingReason>> = {
  max_duration_exceeded: 'agent-max-duration',
  invalid_message: 'agent-invalid-message',
  telephony_agent_error: 'agent-telephony-error',
  mcp_tool_error: 'agent-mcp-tool-error',
  mcp_https_error: 'agent-mcp-https-error',
  value_error: 'agent-value-error',
  missing_fields: 'agent-missing-fields',
  override_error: 'agent-override-refused',
  missing_dynamic_variable: 'agent-missing-variable',
  missing_dynamic_variable_transfer: 'agent-missing-transfer-variable',
  safety_violation: 'agent-safety-violation',
  llm_timeout: 'agent-llm-timeout',
  transport_receive_timeout: 'agent-receive-timeout',
  asyncio_timeout: 'agent-internal-timeout',
  http_exception: 'agent-http-exception',
  llm_error: 'agent-llm-error',
  custom_llm_error: 'agent-custom-llm-error',
  cascade_brain_error: 'agent-brain-error',
  asr_transcription_error: 'agent-asr-error',
  vad_error: 'agent-vad-error',
  turn_probability_error: 'agent-turn-error',
  tts_cascade_error: 'agent-tts-error',
  redis_timeout_error: 'agent-redis-timeout',
  unknown_websocket_crash: 'agent-websocket-crash',
  websocket_disconnect: 'agent-websocket-disconnect',
};

/** Words in the agent's own text that tell more than the close code they come with; first match counts. */
const byText: readonly (readonly [RegExp, EndingReason])[] = [
  [/quota/i, 'agent-quota'],
  [/daily call limit/i, 'agent-daily-limit'],
  [/concurren/i, 'agent-busy'],
  [/authori[sz]|not allowed to connect/i, 'agent-unauthorized'],
  [/missing required dynamic variable/i, 'agent-missing-variable'],
  [/override.* not allowed/i, 'agent-override-refused'],
  [/misconfigured/i, 'agent-misconfigured'],
  [/does not exist/i, 'agent-not-found'],
];

const byCloseCode: Readonly<Record<number, EndingReason>> = {
  1000: 'agent-ended-call',
  1002: 'agent-operational-failure',
  // RFC 6455 section 7.4.1: no status code, and an abnormal closure.
  1005: 'agent-lost',
  1006: 'agent-lost',
  1008: 'agent-contract-violation',
  1011: 'agent-crashed',
  3000: 'agent-request-error',
  4300: 'agent-queue-timeout',
};

/** Close codes that add nothing to an error that was reported before. */
const silentCodes: ReadonlySet<number> = new Set([1000, 1005, 1006]);

const byStatus: Readonly<Record<number, EndingReason>> = {
  401: 'agent-unauthorized',
  403: 'agent-unauthorized',
  404: 'agent-not-found',
  429: 'agent-busy',
};

/** `ws` error codes that mean a limit of ours was exceeded. */
const tooLarge: ReadonlySet<string> = new Set([
  'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH',
  'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
  'WS_ERR_TOO_MANY_BUFFERED_PARTS',
]);

/** How far a conversation had come when its socket ended. */
export type Progress = 'connecting' | 'starting' | 'talking';

/** Why a conversation is over. An error event that came before the close decides. */
export function closingOf(end: SocketEnd, error: ReportedError | undefined, progress: Progress): Ending {
  if (end.kind === 'refused')
    return ending(byStatus[end.status] ?? 'agent-unreachable', `HTTP ${end.status}`);
  if (error !== undefined) return reportedEnding(error, end);
  if (end.kind === 'failed') return failedEnding(end.code, progress);
  const told = textEnding(end.reason);
  return told ?? codeEnding(end.code, progress);
}

/** The ending that an error event stands for, with the close that followed it when there was one. */
export function reportedEnding(error: ReportedError, end?: SocketEnd): Ending {
  const typed = error.type === undefined ? undefined : lookUp(byErrorType, error.type);
  if (typed !== undefined) return withNames(typed, error.text);
  const reason = end?.kind === 'close' ? end.reason : '';
  const told = textEnding(`${error.text} ${reason}`);
  if (told !== undefined) return told;
  if (error.type === 'unknown') return ending('agent-unknown-error');
  const code = error.code ?? (end?.kind === 'close' ? end.code : 0);
  const coded = silentCodes.has(code) ? undefined : byCloseCode[code];
  return ending(coded ?? 'agent-unknown-error', wordIn(error.type));
}

function failedEnding(code: string, progress: Progress): Ending {
  if (tooLarge.has(code)) return ending('agent-message-too-large');
  if (outOfDescriptors(code)) return ending('no-descriptors');
  if (code.startsWith('WS_ERR_')) return ending('agent-garbage', code);
  return ending(progress === 'connecting' ? 'agent-unreachable' : 'agent-lost', code);
}

function codeEnding(code: number, progress: Progress): Ending {
  const reason = byCloseCode[code];
  if (reason === undefined) return ending('agent-closed-unexpectedly', `close code ${code}`);
  // A good-bye or a broken line before the first word is no conversation.
  const began = progress === 'talking' || (reason !== 'agent-ended-call' && reason !== 'agent-lost');
  return began ? ending(reason) : ending('agent-start-failed', `close code ${code}`);
}

function textEnding(text: string): Ending | undefined {
  const row = byText.find(([pattern]) => pattern.test(text));
  return row === undefined ? undefined : withNames(row[1], text);
}

/** Endings for which the operator must know which variable, field or override it was. */
const naming: ReadonlySet<EndingReason> = new Set([
  'agent-missing-variable',
  'agent-missing-transfer-variable',
  'agent-missing-fields',
  'agent-override-refused',
]);

/**
 * An ending with the quoted names in the agent's text, `{'customer_name', 'tier'}`, as its detail. Only what looks
 * like a name is taken, so that no value can slip into a log.
 */
function withNames(reason: EndingReason, text: string): Ending {
  if (!naming.has(reason)) return ending(reason);
  const names = [...text.matchAll(/'([A-Za-z_][A-Za-z0-9_.]{0,63})'/g)].map(match => match[1]!);
  const shown = names.filter(name => !/\d{4}/.test(name)).slice(0, 8);
  return shown.length === 0 ? ending(reason) : ending(reason, shown.join(', '));
}

function wordIn(type: string | undefined): string | undefined {
  return type !== undefined && /^[a-z_]{1,64}$/.test(type) ? type : undefined;
}

function lookUp(table: Readonly<Record<string, EndingReason>>, key: string): EndingReason | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
