import { describe, expect, it } from 'vitest';
import type { EndingReason } from '../../src/core/ending.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { until } from '../support/until.ts';

/** How an agent ends a conversation that is well under way, and what that is called here. */
interface Ending {
  readonly how: string;
  readonly act: (conversation: SimConversation) => void;
  readonly reason: EndingReason;
}

const closing = (code: number, reason: EndingReason, text = ''): Ending => ({
  how: `close ${code}${text === '' ? '' : ` ${text}`}`,
  act: conversation => conversation.close(code, text),
  reason,
});

const reporting = (type: string, reason: EndingReason, message = 'refused'): Ending => ({
  how: `error ${type}`,
  act: conversation => {
    conversation.send({
      type: 'error',
      error_event: { code: 1011, error_type: type, message },
    });
    conversation.close(1011);
  },
  reason,
});

const closes: readonly Ending[] = [
  closing(1000, 'agent-ended-call'),
  closing(1002, 'agent-operational-failure'),
  closing(1008, 'agent-contract-violation'),
  closing(1011, 'agent-crashed'),
  closing(3000, 'agent-request-error'),
  closing(4300, 'agent-queue-timeout'),
  closing(4999, 'agent-closed-unexpectedly'),
  closing(3000, 'agent-quota', 'This request exceeds your quota limit.'),
  closing(3000, 'agent-daily-limit', 'Daily call limit reached'),
  closing(1008, 'agent-unauthorized', 'You are not authorized'),
  { how: 'drop', act: conversation => conversation.drop(), reason: 'agent-lost' },
];

const errors: readonly Ending[] = (
  [
    ['max_duration_exceeded', 'agent-max-duration'],
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
  ] as const
).map(([type, reason]) => reporting(type, reason));

/** Each ending as it is, not what may be done about it. */
const hangup = 'survival:\n  policy: hangup\n';

/** A call that is past the second in which a failing agent is started again. */
async function underWay(bridge: Bridge, at: number) {
  const call = await bridge.answered({ headers: [['X-CALL-ID', `call-${at}`]] });
  const { conversations } = bridge.world.agent;
  const conversation = await until(
    () => conversations.find(each => each.initiation?.dynamic_variables?.['call_id'] === `call-${at}`),
    `the conversation of call ${at}`,
  );
  const key = bridge.log('call arrived').find(line => line['callId'] === `call-${at}`)?.['call'];
  const ofCall = (msg: string) => bridge.log(msg).filter(line => line['call'] === key);
  await until(
    () => ofCall('call state').some(line => line['to'] === 'talking'),
    'the call to outgrow its first second',
  );
  // The worker counts its own second, from a moment later: sound is what tells that it has passed.
  const so_far = call.media.heard.ms;
  await until(() => call.media.heard.ms >= so_far + 300, 'a little more of the call');
  return { call, conversation, ended: () => until(() => ofCall('call ended')[0], 'the call to end') };
}

async function play(bridge: Bridge, endings: readonly Ending[]): Promise<void> {
  const calls = await Promise.all(endings.map((_, at) => underWay(bridge, at)));
  const seen = await Promise.all(
    endings.map(async ({ how, act }, at) => {
      const { call, conversation, ended } = calls[at] as Awaited<ReturnType<typeof underWay>>;
      act(conversation);
      return { how, ended: await call.ended, reason: (await ended())['reason'] };
    }),
  );
  expect(seen).toEqual(endings.map(({ how, reason }) => ({ how, ended: 'bye', reason })));
  const metrics = await bridge.metrics();
  for (const reason of new Set(endings.map(each => each.reason))) {
    const calls = endings.filter(each => each.reason === reason).length;
    expect(metrics.sum('trunkbridge_calls_total', { reason }), reason).toBe(calls);
  }
  expect(metrics.sum('trunkbridge_agent_retries_total')).toBe(0);
}

describe('an agent that ends the conversation makes the bridge hang up, with one reason in log and metric', () => {
  it('for each close code and for the texts that come with them', () =>
    withBridge({ script: { mode: 'quiet' }, yaml: hangup }, bridge => play(bridge, closes)));

  it('for each type of error that it can report', () =>
    withBridge({ script: { mode: 'quiet' }, yaml: hangup }, bridge => play(bridge, errors)));
});
