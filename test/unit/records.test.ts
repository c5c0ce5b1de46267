import { beforeEach, describe, expect, it } from 'vitest';
import { Transcript } from '../../src/call/transcript.ts';
import { type EndingReason, ending } from '../../src/core/ending.ts';
import type { BridgeEvent } from '../../src/core/events.ts';
import { type CallKey, type LegId, newCallKey } from '../../src/core/ids.ts';
import { noLegStats } from '../../src/core/leg-stats.ts';
import { VerifiedNumbers } from '../../src/core/verified.ts';
import { CallRecorder } from '../../src/records.ts';
import type { CallRecord } from '../../src/store/record.ts';
import { someCall, someNumber } from '../support/call-records.ts';
import { FakeStore } from '../support/fake-store.ts';
import { ManualClock } from '../support/manual-clock.ts';

let clock: ManualClock;
let store: FakeStore;
let recorder: CallRecorder;
const key = newCallKey();
let call: { readonly key: CallKey; readonly transcript: Transcript; readonly verified: VerifiedNumbers };

beforeEach(() => {
  clock = new ManualClock();
  store = new FakeStore({ clock });
  recorder = new CallRecorder(store.journal, clock);
  call = { key, transcript: new Transcript(clock), verified: new VerifiedNumbers(clock) };
  call.transcript.begin();
  recorder.begin(someCall({ key }));
  recorder.follow({ ...call, variables: { caller_id: someNumber, account: '77' } });
});

/** The events, a second apart. */
function happen(...events: readonly BridgeEvent[]): void {
  for (const event of events) {
    clock.advance(1_000);
    recorder.emit(event);
  }
}

const ready = (conversationId: string): BridgeEvent => ({
  type: 'agent-ready',
  call: key,
  conversationId,
  input: 'ulaw_8000',
  output: 'pcm_16000',
  setupMs: 5,
});
const answered: BridgeEvent = { type: 'call-answered', call: key, setupMs: 5, leg: 'leg_1' as LegId };
const ended = (reason: EndingReason, wasAnswered = true): BridgeEvent => ({
  type: 'call-ended',
  call: key,
  end: ending(reason),
  answered: wasAnswered,
  seconds: wasAnswered ? 7 : 0,
  stats: noLegStats,
});
const ran = (status: string, gate?: string): BridgeEvent => ({
  type: 'tool-run',
  call: key,
  tool: 'check_SMS_verification',
  status,
  isError: false,
  ms: 80,
  arguments: { Code: '[hidden]' },
  ...(gate === undefined ? {} : { gate }),
});

async function record(): Promise<CallRecord> {
  const found = await store.archive.find(key);
  if (found === undefined) throw new Error('there is no record');
  return found;
}

describe('the record that comes of what happens in a call', () => {
  it('says of an answered one when each stage was reached, and with whom', async () => {
    const begun = clock.wall();
    happen(ready('conv_1'), answered, ended('caller-hung-up'));
    expect(await record()).toMatchObject({
      state: 'ended',
      conversationId: 'conv_1',
      conversationIds: ['conv_1'],
      agentFormats: { input: 'ulaw_8000', output: 'pcm_16000' },
      answered: true,
      seconds: 7,
      stages: { begun, agentReady: begun + 1_000, answered: begun + 2_000, ended: begun + 3_000 },
      end: { reason: 'caller-hung-up' },
      warnings: [],
    });
    expect((await store.archive.secret(key))?.variables).toEqual({ caller_id: someNumber, account: '77' });
  });

  it('has a name of its own where no agent ever came', async () => {
    happen(ended('agent-unreachable', false));
    const local = `conv_local_${key.slice('call_'.length)}`;
    expect(await record()).toMatchObject({
      conversationId: local,
      conversationIds: [],
      answered: false,
      seconds: 0,
      end: { reason: 'agent-unreachable' },
    });
    expect((await record()).stages).not.toHaveProperty('answered');
    expect((await store.archive.find(local))?.key).toBe(key);
  });

  it('keeps the name of the first conversation when the agent was lost and came back', async () => {
    const lost = ending('agent-lost');
    happen(
      ready('conv_1'),
      answered,
      { type: 'agent-lost', call: key, end: lost, way: 'reconnect' },
      ready('conv_2'),
      { type: 'agent-resumed', call: key, ms: 900 },
      ended('caller-hung-up'),
    );
    expect(await record()).toMatchObject({
      conversationId: 'conv_1',
      conversationIds: ['conv_1', 'conv_2'],
      warnings: [expect.stringContaining('The agent was lost')],
    });
    for (const id of ['conv_1', 'conv_2']) expect((await store.archive.find(id))?.key).toBe(key);
  });

  it('warns of a conversation that had to be started again before the answer', async () => {
    happen({ type: 'agent-retry', call: key, end: ending('agent-unreachable') }, ready('conv_1'));
    expect((await record()).warnings).toEqual([
      expect.stringContaining('The conversation was started again'),
    ]);
  });

  it('says that another telephone took the call over', async () => {
    happen(
      ready('conv_1'),
      answered,
      { type: 'call-replaced', call: key, sipCallId: 'new@pbx', caller: '+141******77' },
      ended('caller-hung-up'),
    );
    expect((await record()).warnings).toEqual(['Another telephone took the call over (Replaces).']);
  });

  it('warns of a transfer that failed, and not of one that went well', async () => {
    const transfer = (reason: EndingReason): BridgeEvent => ({
      type: 'transfer',
      call: key,
      way: 'refer',
      end: ending(reason),
      ms: 10,
    });
    happen(
      ready('conv_1'),
      answered,
      transfer('transfer-refused'),
      transfer('transferred'),
      ended('transferred'),
    );
    expect(await record()).toMatchObject({
      end: { reason: 'transferred' },
      warnings: [expect.stringMatching(/^A transfer failed: /)],
    });
  });

  it('holds the verified number masked, and each run of a tool with what the gates said', async () => {
    happen(ready('conv_1'), answered, ran('pending', 'own-number'));
    expect((await record()).verified).toBeUndefined();
    call.verified.note(someNumber, 'sms');
    const at = clock.wall();
    happen(ran('approved'), ended('caller-hung-up'));
    const found = await record();
    expect(found.verified).toEqual({ number: '+141******23', channel: 'sms', at });
    expect(found.tools.map(({ status, gate }) => [status, gate])).toEqual([
      ['pending', 'own-number'],
      ['approved', undefined],
    ]);
    expect(JSON.stringify(found)).not.toContain(someNumber.slice(3));
  });

  it('holds a number that was keyed right without a tool, and forgets none when the fifteen minutes are over', async () => {
    happen(ready('conv_1'), answered);
    call.verified.note(someNumber, 'sms');
    clock.advance(3_600_000);
    happen(ended('caller-hung-up'));
    expect((await record()).verified).toMatchObject({ number: '+141******23' });
  });

  it('has what was said while the call is still up, and says of a withheld turn only that it was', async () => {
    happen(ready('conv_1'), answered);
    const say = (role: 'user' | 'agent', text: string) =>
      call.transcript.take({ kind: 'said', role, text, eventId: 1 });
    say('agent', 'Hello.');
    clock.advance(10_000);
    expect(await record()).toMatchObject({ state: 'running', messages: 1 });
    call.transcript.withhold(true);
    say('user', 'One two three four five six.');
    happen(ended('caller-hung-up'));
    const secret = await store.archive.secret(key);
    expect(secret?.transcript.map(({ message, withheld }) => [message, withheld])).toEqual([
      ['Hello.', undefined],
      ['', true],
    ]);
  });

  it('does not keep what was taken back meanwhile, though nothing more was said', async () => {
    happen(ready('conv_1'), answered);
    call.transcript.take({ kind: 'said', role: 'user', text: 'It is 4 5 6 7.', eventId: 1 });
    clock.advance(10_000);
    expect((await store.archive.secret(key))?.transcript[0]?.message).toContain('4 5 6');
    call.transcript.retract();
    clock.advance(10_000);
    expect((await store.archive.secret(key))?.transcript).toMatchObject([{ message: '', withheld: true }]);
  });

  it('says what a recording is, also when nothing more is heard of it', async () => {
    happen(ready('conv_1'), answered, { type: 'recording-begun', call: key, encrypted: true });
    expect((await record()).recording?.end.reason).toBe('recording-interrupted');
  });

  it('keeps nothing at hand of a call that is over', async () => {
    happen(ready('conv_1'), answered, ended('caller-hung-up'));
    happen(ran('approved'), ended('agent-lost'));
    expect(await record()).toMatchObject({ end: { reason: 'caller-hung-up' }, tools: [] });
    clock.advance(60_000);
    expect(clock.pending).toBe(0);
  });
});
