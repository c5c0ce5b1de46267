import { describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import type { CallKey } from '../../../src/core/ids.ts';
import { noLegStats } from '../../../src/core/leg-stats.ts';
import { CallDraft, interrupted, localConversationId, namesOf } from '../../../src/store/draft.ts';
import { storeLimits } from '../../../src/store/limits.ts';
import type { CallBegin } from '../../../src/store/record.ts';

const key = 'call_0123456789abcdef01234567' as CallKey;
const begin: CallBegin = {
  key,
  direction: 'inbound',
  agentId: 'agent_1',
  trunk: 'pbx',
  transport: 'tls',
  sipCallId: 'abc@pbx',
  callId: 'pbx-1',
  callSid: 'CA1',
  callerId: '+14155550123',
  calledNumber: '+14155550199',
  callerTrusted: true,
  variables: { account: '77' },
};

describe('the record of a call', () => {
  it('shows numbers masked and keeps the full ones apart', () => {
    const { record, secret } = new CallDraft(begin, 'node-1', 1_000);
    expect(record).toMatchObject({ caller: '+141******23', called: '+141******99', state: 'running' });
    expect(JSON.stringify(record)).not.toContain('4155550123');
    expect(secret).toEqual({
      callerId: '+14155550123',
      calledNumber: '+14155550199',
      variables: { account: '77' },
      transcript: [],
    });
  });

  it('bears the name of the first conversation, and is found by every one', () => {
    const draft = new CallDraft(begin, 'node-1', 1_000);
    expect(draft.record.conversationId).toBe('conv_local_0123456789abcdef01234567');
    draft.update({ conversation: { id: 'conv_1', input: 'ulaw_8000', output: 'pcm_16000' } }, 2_000);
    draft.update({ conversation: { id: 'conv_2', input: 'ulaw_8000', output: 'ulaw_8000' } }, 3_000);
    expect(draft.record.conversationId).toBe('conv_1');
    expect(draft.record.stages.agentReady).toBe(2_000);
    expect(draft.record.agentFormats).toEqual({ input: 'ulaw_8000', output: 'ulaw_8000' });
    expect(namesOf(draft.record).sort()).toEqual(
      [key, localConversationId(key), 'conv_1', 'conv_2', 'pbx-1', 'CA1', 'abc@pbx'].sort(),
    );
  });

  it('is found by no name that is longer than an index takes, in bytes, and by all others', () => {
    const longest = 'x'.repeat(storeLimits.nameBytes);
    const { record } = new CallDraft(
      { ...begin, callId: longest, sipCallId: `${longest}x` },
      'node-1',
      1_000,
    );
    expect(namesOf(record)).toEqual([key, localConversationId(key), longest, 'CA1']);
    expect(namesOf({ ...record, callId: 'ü'.repeat(storeLimits.nameBytes) })).toHaveLength(3);
  });

  it('holds the stages, the ending and what the call sounded like', () => {
    const draft = new CallDraft(begin, 'node-1', 1_000);
    draft.update({ answered: true }, 4_000);
    draft.update({ answered: true }, 5_000);
    draft.finish(
      { end: ending('caller-hung-up'), seconds: 6, stats: { ...noLegStats, packetsReceived: 100 } },
      10_000,
    );
    expect(draft.record).toMatchObject({
      state: 'ended',
      answered: true,
      seconds: 6,
      stages: { begun: 1_000, answered: 4_000, ended: 10_000 },
      quality: { loss: 0 },
    });
  });

  it('stays within its limits however long the call gets', () => {
    const draft = new CallDraft(begin, 'node-1', 1_000);
    const turn = { role: 'agent', message: 'a'.repeat(storeLimits.messageBytes * 2), at: 1 } as const;
    draft.update({ transcript: Array.from({ length: storeLimits.turns + 10 }, () => turn) }, 2_000);
    for (let i = 0; i < storeLimits.warnings + 5; i++) draft.update({ warning: 'late' }, 2_000);
    expect(draft.record.messages).toBe(storeLimits.turns);
    expect(draft.secret.transcript[0]?.message).toHaveLength(storeLimits.messageBytes + 1);
    expect(draft.record.warnings).toHaveLength(storeLimits.warnings);
  });

  it('is closed as interrupted with the time that it was up', () => {
    const draft = new CallDraft(begin, 'node-1', 1_000);
    draft.update({ answered: true }, 4_000);
    const closed = interrupted(draft.record, 9_500);
    expect(closed).toMatchObject({
      state: 'ended',
      seconds: 5.5,
      end: { reason: 'interrupted', result: 'us' },
    });
    expect(draft.record.state).toBe('running');
  });
});
