import { describe, expect, it } from 'vitest';
import { deferred } from '../../../src/core/deferred.ts';
import { type Ending, ending } from '../../../src/core/ending.ts';
import { silentLogger } from '../../../src/core/logger.ts';
import { StreamParty, type VoiceFallback } from '../../../src/streams/party.ts';
import type { Leg, LegStream, StreamTicket } from '../../../src/worker/legs.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const facts = {
  callId: 'CA1',
  callSid: 'CA1',
  callerId: '+14155550123',
  calledNumber: '+14155550199',
  callerTrusted: true,
  trunk: 'twilio',
  variables: {},
};
const base = 'https://bridge.example/twilio';
const urls = {
  media: 'wss://bridge.example/twilio/media/abc',
  next: `${base}/next`,
  status: `${base}/status`,
  dialled: `${base}/dialled`,
};

function world(fallback: VoiceFallback = { kind: 'reject' }) {
  const clock = new ManualClock();
  const started = deferred<string>();
  const over = deferred<Ending>();
  const expected: StreamTicket[] = [];
  const stream: LegStream = {
    port: 1,
    pass: 'p',
    expect: ticket => void expected.push(ticket),
    started: started.promise,
    ended: over.promise,
  };
  let open = 0;
  let completed = 0;
  const party = new StreamParty({
    facts,
    leg: { stream } as unknown as Leg,
    urls,
    fallback,
    admit: () => {
      open++;
      return () => void open--;
    },
    ticket: () => ({ text: 'the ticket', callSid: 'CA1', forMs: 10_000 }),
    complete: () => void completed++,
    clock,
    log: silentLogger,
  });
  return {
    clock,
    party,
    expected,
    start: () => started.resolve('MZ1'),
    lose: (end: Ending) => over.resolve(end),
    open: () => open,
    completed: () => completed,
  };
}

describe('a party over a media stream', () => {
  it('is answered with a stream that carries its ticket, and settles when that is there', async () => {
    const { party, expected, start, open } = world();
    const accepted = party.accept();
    expect(await party.answer).toBe(
      '<?xml version="1.0" encoding="UTF-8"?><Response>' +
        `<Connect action="${urls.next}" method="POST"><Stream url="${urls.media}" statusCallback="${urls.status}">` +
        '<Parameter name="ticket" value="the ticket"/></Stream></Connect></Response>',
    );
    expect(expected).toEqual([{ text: 'the ticket', callSid: 'CA1', forMs: 10_000 }]);
    expect(open()).toBe(1);
    start();
    expect(await accepted).toEqual({ ok: true, value: undefined });
    expect(open()).toBe(0);
  });

  it('is over when its stream does not come in time', async () => {
    const { party, clock, completed, open } = world();
    const accepted = party.accept();
    await party.answer;
    clock.advance(10_000);
    expect(await accepted).toMatchObject({ ok: false, failure: { reason: 'stream-timeout' } });
    expect(completed()).toBe(1);
    expect(open()).toBe(0);
  });

  it.each([
    ['rejects', { kind: 'reject' }, '<Reject reason="rejected"/>'],
    ['is busy', { kind: 'busy' }, '<Reject reason="busy"/>'],
    [
      'redirects',
      { kind: 'redirect', url: 'https://example.org/x?a=1&b=2' },
      '<Redirect method="POST">https://example.org/x?a=1&amp;b=2</Redirect>',
    ],
    [
      'dials',
      { kind: 'dial', target: { destination: { kind: 'phone', number: '+14155550177' } } },
      `<Dial action="${urls.dialled}" method="POST"><Number>+14155550177</Number></Dial>`,
    ],
  ] as const)('%s when no agent takes it', async (_what, fallback, verb) => {
    const { party, completed } = world(fallback);
    party.end(ending('ring-timeout'));
    expect(await party.answer).toContain(`<Response>${verb}</Response>`);
    expect(await party.ended).toMatchObject({ reason: 'ring-timeout' });
    expect(completed()).toBe(0);
  });

  it('is busy whatever it falls back to when this bridge shuts down', async () => {
    const { party } = world({ kind: 'dial', target: { destination: { kind: 'phone', number: '+1' } } });
    party.end(ending('shutdown'));
    expect(await party.answer).toContain('<Reject reason="busy"/>');
  });

  async function up() {
    const made = world();
    const accepted = made.party.accept();
    made.start();
    await accepted;
    return made;
  }

  it('has Twilio end the call when it ends by itself, and not when the caller did', async () => {
    const own = await up();
    own.party.end(ending('agent-ended-call'));
    expect(own.completed()).toBe(1);
    const caller = await up();
    caller.lose(ending('caller-hung-up'));
    expect(await caller.party.ended).toMatchObject({ reason: 'caller-hung-up' });
    expect(caller.completed()).toBe(0);
    caller.party.end(ending('agent-ended-call'));
    expect(caller.completed()).toBe(0);
  });

  it('puts the caller through by what comes after the stream', async () => {
    const { party, completed } = await up();
    expect(party.next).toContain('<Hangup/>');
    const destination = { kind: 'sip', uri: 'sip:desk@example.org' } as const;
    const headers = [
      { name: 'X-Reason', value: 'a b' },
      { name: 'Subject', value: 'not let through' },
    ];
    expect(await party.transfer({ destination, headers })).toMatchObject({ ok: true });
    expect(party.next).toContain('<Sip>sip:desk@example.org?X-Reason=a%20b</Sip>');
    party.end(ending('transferred'));
    expect(completed()).toBe(0);
  });

  it('cannot be put through before it is up, and knows no hold', async () => {
    const { party } = world();
    const destination = { kind: 'phone', number: '+14155550177' } as const;
    expect(await party.transfer({ destination, headers: [] })).toMatchObject({ ok: false });
    expect('hold' in party).toBe(false);
  });

  it('is over when Twilio says that the caller gave up while it rang', async () => {
    const { party } = world();
    party.gone();
    expect(await party.ended).toMatchObject({ reason: 'caller-cancelled' });
    expect(await party.answer).toContain('<Hangup/>');
    expect(await party.accept()).toMatchObject({ ok: false });
  });
});
