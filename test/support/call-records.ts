import { ending } from '../../src/core/ending.ts';
import { type CallKey, newCallKey } from '../../src/core/ids.ts';
import { noLegStats } from '../../src/core/leg-stats.ts';
import type { CallBegin, CallEnd, ToolRun } from '../../src/store/record.ts';

export const someNumber = '+14155550123';

/** What is known when a call begins. */
export function someCall(more: Partial<CallBegin> = {}): CallBegin {
  const key: CallKey = more.key ?? newCallKey();
  return {
    key,
    direction: 'inbound',
    agentId: 'agent_1',
    trunk: 'pbx',
    transport: 'tcp',
    sipCallId: `sip-${key}`,
    callId: `pbx-${key}`,
    callerId: someNumber,
    calledNumber: '+14155550199',
    callerTrusted: true,
    variables: { caller_id: someNumber },
    ...more,
  };
}

export const someEnd: CallEnd = {
  end: ending('caller-hung-up'),
  seconds: 12,
  stats: { ...noLegStats, codec: 'PCMU', packetsReceived: 600, packetsSent: 600 },
};

export const someRun: ToolRun = {
  tool: 'send_SMS_verification',
  at: 1_700_000_000_000,
  ms: 80,
  status: 'pending',
  isError: false,
  gate: 'own-number',
  arguments: { To: '+141******23', Channel: 'sms' },
};
