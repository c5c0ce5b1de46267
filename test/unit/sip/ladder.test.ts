import { describe, expect, it } from 'vitest';
import { ending } from '../../../src/core/ending.ts';
import type { CallKey } from '../../../src/core/ids.ts';
import { noLegStats } from '../../../src/core/leg-stats.ts';
import { LadderStore } from '../../../src/sip/ladder.ts';
import { errorOf, ladderText, sipMessagesOf } from '../../../src/sip/ladder-text.ts';
import type { Source } from '../../../src/sip/signalling.ts';
import { ManualClock } from '../../support/manual-clock.ts';
import { invite, request } from './embedded/messages.ts';
import { World } from './embedded/world.ts';

const source: Source = { transport: 'tcp', address: '192.0.2.10', port: 40_000, localAddress: '192.0.2.1' };

function arrived(ladders: LadderStore, sipCallId: string, call: string, callId = sipCallId): void {
  ladders.emit({
    type: 'call-arrived',
    call: call as CallKey,
    sipCallId,
    callId,
    caller: '+141******23',
    called: '+180******00',
    trunk: 'default',
    headersDropped: 0,
  });
}

function ended(ladders: LadderStore, call: string): void {
  const end = ending('caller-hung-up');
  ladders.emit({
    type: 'call-ended',
    call: call as CallKey,
    end,
    answered: true,
    seconds: 1,
    stats: noLegStats,
  });
}

const heard = (ladders: LadderStore, text: string) => {
  const at = text.indexOf('\r\n\r\n') + 4;
  ladders.tap('in', source, Buffer.from(text.slice(0, at)), Buffer.from(text.slice(at)));
};
const begin = (ladders: LadderStore, callId: string) => heard(ladders, invite({ callId }));

describe('the messages of a call', () => {
  it('are all there, in their order and masked, under every name of the call', async () => {
    const clock = new ManualClock();
    const ladders = new LadderStore(clock);
    const world = new World({ tap: ladders.tap });
    const toTag = await world.established();
    arrived(ladders, 'call-1@192.0.2.10', 'call_1', 'pbx-7');
    ladders.emit({
      type: 'agent-ready',
      call: 'call_1' as CallKey,
      conversationId: 'conv_1',
      input: '',
      output: '',
      setupMs: 1,
    });
    world.peer(request('BYE', { toTag, branch: 'z9hG4bKbye', cseq: 2 }));
    for (const name of ['call_1', 'pbx-7', 'conv_1', 'call-1@192.0.2.10']) {
      const picture = ladders.find(name);
      expect(
        picture?.messages.map(({ direction, text }) => [direction, text.split(/[ \r]/, 2).join(' ')]),
      ).toEqual([
        ['in', 'INVITE sip:+180******00@192.0.2.1'],
        ['out', 'SIP/2.0 100'],
        ['out', 'SIP/2.0 200'],
        ['in', 'ACK sip:+180******00@192.0.2.1'],
        ['in', 'BYE sip:+180******00@192.0.2.1'],
        ['out', 'SIP/2.0 200'],
      ]);
      expect(JSON.stringify(picture)).not.toContain('4155550123');
    }
    expect(ladders.find('call_1')?.messages[0]).toMatchObject({
      localAddress: '192.0.2.1',
      remoteAddress: '192.0.2.10:40000',
      transport: 'tcp',
    });
    await world.close();
  });

  it('begin with an INVITE: nothing else is kept', () => {
    const ladders = new LadderStore(new ManualClock());
    heard(ladders, request('OPTIONS'));
    heard(ladders, request('BYE'));
    heard(ladders, 'INVITE sip:a SIP/2.0\r\n\r\n');
    expect(ladders.load).toEqual({ calls: 0, strays: 0, bytes: 0 });
  });

  it('are found by a compact or oddly written Call-ID', () => {
    const ladders = new LadderStore(new ManualClock());
    heard(ladders, invite({ callId: 'c1' }).replace('Call-ID: ', 'i:\t'));
    heard(ladders, request('BYE', { callId: 'c1' }).replace('Call-ID:', 'cALL-id :'));
    expect(ladders.find('c1')?.messages).toHaveLength(2);
  });

  it('of a call of ours are known from the first one on', () => {
    const ladders = new LadderStore(new ManualClock());
    const caller = '+180******00';
    const placed = { sipCallId: 'ours', caller, called: '+141******23', trunk: 'a' } as const;
    ladders.emit({ type: 'call-placed', call: 'call_o' as CallKey, ...placed });
    expect(ladders.find('call_o')?.messages).toEqual([]);
    ladders.tap('out', source, Buffer.from(invite({ callId: 'ours' })));
    expect(ladders.find('call_o')?.messages[0]?.text).toContain('INVITE sip:+180******00@');
    expect(ladders.find('call_o')?.phoneNumbers).toEqual([caller, '+141******23']);
  });

  it('of an INVITE that was refused are masked when somebody looks', () => {
    const ladders = new LadderStore(new ManualClock());
    begin(ladders, 'refused');
    expect(ladders.find('refused')?.messages[0]?.text).toContain('+141******23');
  });
});

describe('what is kept', () => {
  const bytesOf = (callId: string) => Buffer.byteLength(invite({ callId }));

  it('of one call is its first messages and its last', () => {
    const ladders = new LadderStore(new ManualClock(), { messages: 4, firstMessages: 2 });
    begin(ladders, 'a');
    for (let cseq = 2; cseq <= 7; cseq++) heard(ladders, request('INFO', { callId: 'a', cseq }));
    const picture = ladders.find('a');
    expect(picture?.messages.map(({ text }) => /CSeq: (\d)/.exec(text)?.[1])).toEqual(['1', '2', '6', '7']);
    expect(picture?.lost).toBe(3);
    expect(ladders.load.bytes).toBe(
      bytesOf('a') + 3 * Buffer.byteLength(request('INFO', { callId: 'a', cseq: 2 })),
    );
  });

  it('of one message is cut', () => {
    const ladders = new LadderStore(new ManualClock(), { messageBytes: 300 });
    begin(ladders, 'a');
    expect(ladders.load.bytes).toBe(300);
    expect(ladders.find('a')?.messages[0]?.text.length).toBeLessThanOrEqual(300);
  });

  it('never hides the newest call behind a flood of INVITEs that come to nothing', () => {
    const ladders = new LadderStore(new ManualClock(), { strays: 5 });
    begin(ladders, 'a');
    arrived(ladders, 'a', 'call_a');
    for (let i = 0; i < 100; i++) begin(ladders, `flood-${i}`);
    expect(ladders.load).toMatchObject({ calls: 1, strays: 5 });
    expect(ladders.find('call_a')).toBeDefined();
  });

  it('loses the call that ended first, then the oldest', () => {
    const ladders = new LadderStore(new ManualClock(), { calls: 2 });
    for (const name of ['a', 'b', 'c', 'd']) {
      begin(ladders, name);
      arrived(ladders, name, `call_${name}`);
      if (name === 'b') ended(ladders, 'call_b');
    }
    expect(['a', 'b', 'c', 'd'].filter(name => ladders.find(`call_${name}`) !== undefined)).toEqual([
      'c',
      'd',
    ]);
    expect(ladders.find('b')).toBeUndefined();
  });

  it('is bounded in bytes over all calls', () => {
    const totalBytes = 10 * bytesOf('call-10');
    const ladders = new LadderStore(new ManualClock(), { totalBytes });
    for (let i = 10; i < 60; i++) {
      begin(ladders, `call-${i}`);
      arrived(ladders, `call-${i}`, `key-${i}`);
      expect(ladders.load.bytes).toBeLessThanOrEqual(totalBytes);
    }
    expect(ladders.load.calls).toBe(10);
  });
});

describe('the ladder as text', () => {
  it('has a rung for each message and then every message in full', () => {
    const clock = new ManualClock();
    const ladders = new LadderStore(clock);
    begin(ladders, 'a');
    clock.advance(1500);
    ladders.tap('out', source, Buffer.from('SIP/2.0 180 Ringing\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n'));
    const picture = ladders.find('a');
    const text = picture === undefined ? '' : ladderText(picture);
    expect(text).toMatch(/^ +0\.000 {2}\|-+ INVITE \(SDP\) \[1 INVITE\] >\|$/m);
    expect(text).toMatch(/^ +1\.500 {2}\|< 180 Ringing \[1 INVITE\] -+\|$/m);
    expect(text).toContain('m=audio 6000 RTP/AVP 0');
    expect(text).not.toContain('\r');
  });

  it.each([
    ['SIP/2.0 488 Not Acceptable Here\r\nWarning: 305 h "no codec in common"\r\n\r\n', 'no codec in common'],
    ['SIP/2.0 486 Busy Here\r\n\r\n', 'Busy Here'],
    ['BYE sip:a SIP/2.0\r\nReason: Q.850;cause=16;text="normal"\r\n\r\n', 'normal'],
    ['BYE sip:a SIP/2.0\r\n\r\n', ''],
    ['SIP/2.0 200 OK\r\nWarning: 399 h "not this"\r\n\r\n', ''],
    ['INVITE sip:a SIP/2.0\r\nReason: SIP;text="x"\r\n\r\n', ''],
  ])('says in a sentence what went wrong: %s', (text, sentence) => {
    expect(errorOf(text)).toBe(sentence);
  });

  it('is not made of a call that nobody knows', () => {
    expect(sipMessagesOf(new LadderStore(new ManualClock()))('nobody')).toBeUndefined();
  });
});
