import { describe, expect, it } from 'vitest';
import { closingOf, reportedEnding } from '../../../../src/agent/elevenlabs/closing.ts';
import type { ReportedError } from '../../../../src/agent/elevenlabs/protocol/reader.ts';
import { type EndingReason, endings } from '../../../../src/core/ending.ts';

const close = (code: number, reason = '') => ({ kind: 'close', code, reason }) as const;
const error = (type: string | undefined, text = '', code?: number): ReportedError => ({
  code,
  type,
  text,
  final: true,
});

describe('close codes', () => {
  it.each<[number, EndingReason]>([
    [1000, 'agent-ended-call'],
    [1002, 'agent-operational-failure'],
    [1005, 'agent-lost'],
    [1006, 'agent-lost'],
    [1008, 'agent-contract-violation'],
    [1011, 'agent-crashed'],
    [3000, 'agent-request-error'],
    [4300, 'agent-queue-timeout'],
    [4999, 'agent-closed-unexpectedly'],
  ])('%i in a conversation is %s', (code, reason) => {
    expect(closingOf(close(code), undefined, 'talking').reason).toBe(reason);
  });

  it.each([1000, 1005, 1006])('%i before the metadata is a failed start', code => {
    expect(closingOf(close(code), undefined, 'starting').reason).toBe('agent-start-failed');
  });

  it('before the metadata keep what they mean when they mean something', () => {
    expect(closingOf(close(1008), undefined, 'starting').reason).toBe('agent-contract-violation');
  });

  it('that nobody knows are named in the detail', () => {
    expect(closingOf(close(4999), undefined, 'talking').detail).toBe('close code 4999');
  });
});

it.each(['EMFILE', 'ENFILE'])('%s is a limit of ours, and no fault of the agent', code => {
  expect(closingOf({ kind: 'failed', code }, undefined, 'connecting')).toMatchObject({
    reason: 'no-descriptors',
    result: 'us',
  });
});

describe('error types', () => {
  const types: readonly [string, EndingReason][] = [
    ['invalid_message', 'agent-invalid-message'],
    ['telephony_agent_error', 'agent-telephony-error'],
    ['mcp_tool_error', 'agent-mcp-tool-error'],
    ['mcp_https_error', 'agent-mcp-https-error'],
    ['value_error', 'agent-value-error'],
    ['missing_fields', 'agent-missing-fields'],
    ['override_error', 'agent-override-refused'],
    ['missing_dynamic_variable', 'agent-missing-variable'],
    ['missing_dynamic_variable_transfer', 'agent-missing-transfer-variable'],
    ['safety_violation', 'agent-safety-violation'],
    ['llm_timeout', 'agent-llm-timeout'],
    ['transport_receive_timeout', 'agent-receive-timeout'],
    ['asyncio_timeout', 'agent-internal-timeout'],
    ['http_exception', 'agent-http-exception'],
    ['max_duration_exceeded', 'agent-max-duration'],
    ['llm_error', 'agent-llm-error'],
    ['custom_llm_error', 'agent-custom-llm-error'],
    ['cascade_brain_error', 'agent-brain-error'],
    ['asr_transcription_error', 'agent-asr-error'],
    ['vad_error', 'agent-vad-error'],
    ['turn_probability_error', 'agent-turn-error'],
    ['tts_cascade_error', 'agent-tts-error'],
    ['redis_timeout_error', 'agent-redis-timeout'],
    ['unknown_websocket_crash', 'agent-websocket-crash'],
    ['websocket_disconnect', 'agent-websocket-disconnect'],
    ['unknown', 'agent-unknown-error'],
  ];

  it.each(types)('%s is %s, whatever close follows', (type, reason) => {
    expect(closingOf(close(1006), error(type, '', 1002), 'talking').reason).toBe(reason);
    expect(closingOf(close(1006), error(type), 'talking').reason).toBe(reason);
    expect(reportedEnding(error(type)).reason).toBe(reason);
  });

  it('each have a reason of their own', () => {
    expect(new Set(types.map(([, reason]) => reason)).size).toBe(types.length);
  });

  it('that nobody knows leave the decision to the code of the error', () => {
    expect(closingOf(close(1006), error('brand_new', '', 1011), 'talking')).toEqual({
      result: 'agent',
      reason: 'agent-crashed',
      detail: 'brand_new',
    });
  });

  it('called like a property of every object are unknown ones', () => {
    expect(reportedEnding(error('constructor')).reason).toBe('agent-unknown-error');
  });
});

describe('the text of a close or an error', () => {
  it.each<[string, number, EndingReason]>([
    ['This request exceeds your quota limit.', 1002, 'agent-quota'],
    ['Agent has exceeded its daily call limit of 100', 1008, 'agent-daily-limit'],
    ['Could not authorize the conversation', 1008, 'agent-unauthorized'],
    ['Host x is not allowed to connect to this agent', 1008, 'agent-unauthorized'],
    ['The agent appears to be misconfigured', 1002, 'agent-misconfigured'],
    ['The AI agent you are trying to reach does not exist.', 3000, 'agent-not-found'],
    ["Override for field 'first_message' is not allowed by config", 1008, 'agent-override-refused'],
    ['Override is not allowed for this AI agent', 1008, 'agent-override-refused'],
  ])('"%s" tells more than its code', (text, code, reason) => {
    expect(closingOf(close(code, text), undefined, 'talking').reason).toBe(reason);
    expect(closingOf(close(code), error('unknown', text), 'talking').reason).toBe(reason);
  });

  it('names the variables that are missing', () => {
    const text = "Missing required dynamic variables in first message: {'customer_name', 'tier2'}";
    expect(closingOf(close(1008, text), undefined, 'starting')).toEqual({
      result: 'agent',
      reason: 'agent-missing-variable',
      detail: 'customer_name, tier2',
    });
  });

  it('never gets into the detail but as names', () => {
    const text = "Missing required dynamic variables: {'+14155550123', '493817', 'n493817', 'a b', \"x\"}";
    expect(closingOf(close(1008, text), undefined, 'starting').detail).toBeUndefined();
    expect(reportedEnding(error('value_error', "not a number: 'John'")).detail).toBeUndefined();
    expect(reportedEnding(error('He said hello')).detail).toBeUndefined();
  });
});

describe('a socket without a close', () => {
  it.each<[number, EndingReason]>([
    [401, 'agent-unauthorized'],
    [403, 'agent-unauthorized'],
    [404, 'agent-not-found'],
    [429, 'agent-busy'],
    [302, 'agent-unreachable'],
    [503, 'agent-unreachable'],
  ])('refused with HTTP %i is %s', (status, reason) => {
    expect(closingOf({ kind: 'refused', status }, undefined, 'connecting').reason).toBe(reason);
  });

  it.each<[string, 'connecting' | 'talking', EndingReason]>([
    ['ECONNREFUSED', 'connecting', 'agent-unreachable'],
    ['ECONNRESET', 'talking', 'agent-lost'],
    ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'talking', 'agent-message-too-large'],
    ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 'talking', 'agent-message-too-large'],
    ['WS_ERR_INVALID_UTF8', 'talking', 'agent-garbage'],
  ])('failed with %s while %s is %s', (code, progress, reason) => {
    expect(closingOf({ kind: 'failed', code }, undefined, progress).reason).toBe(reason);
  });
});

it('every reason that begins with agent- has a sentence', () => {
  for (const [reason, [, sentence]] of Object.entries(endings)) {
    if (reason.startsWith('agent-')) expect(sentence).toMatch(/^[A-Z].*\.$/);
  }
});
