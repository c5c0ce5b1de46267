import { describe, expect, it } from 'vitest';
import {
  acceptAnswer,
  answer,
  type LocalDescription,
  offer,
  sameMedia,
} from '../../../src/sdp/negotiation.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import type { Direction, MediaPlan } from '../../../src/sdp/plan.ts';

const local: LocalDescription = {
  address: '192.0.2.9',
  family: 4,
  rtpPort: 10_000,
  sessionId: 77,
  version: 3,
  codecs: ['PCMU', 'PCMA', 'G722'],
};

const head = ['v=0', 'o=- 1 1 IN IP4 192.0.2.1', 's=-', 'c=IN IP4 192.0.2.1', 't=5 9'];

function sdp(...lines: string[]) {
  const result = parseSdp([...head, ...lines].join('\r\n'));
  if (!result.ok) throw result.failure;
  return result.value;
}

/** The answer to an offer with these lines, as lines, and the plan. */
function answered(lines: readonly string[], ours: Partial<LocalDescription> = {}) {
  const result = answer(sdp(...lines), { ...local, ...ours });
  if (!result.ok) throw result.failure;
  return { lines: result.value.sdp.trimEnd().split('\r\n'), plan: result.value.plan };
}

function refusal(lines: readonly string[], ours: Partial<LocalDescription> = {}) {
  const result = answer(sdp(...lines), { ...local, ...ours });
  return result.ok ? 'taken' : `${result.failure.code}: ${result.failure.message}`;
}

const mLines = (lines: readonly string[]) => lines.filter(line => line.startsWith('m='));

describe('answering an offer', () => {
  it('writes a whole answer with one codec and telephone-event', () => {
    const offered = ['m=audio 4000 RTP/AVP 8 0 101', 'a=rtpmap:101 telephone-event/8000', 'a=fmtp:101 0-16'];
    expect(answered(offered).lines).toEqual([
      'v=0',
      'o=- 77 3 IN IP4 192.0.2.9',
      's=-',
      'c=IN IP4 192.0.2.9',
      't=5 9',
      'm=audio 10000 RTP/AVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=sendrecv',
    ]);
    expect(answered(offered).plan).toEqual({
      codec: 'PCMA',
      sendPayloadType: 8,
      receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA' },
      sendEventPayloadType: 101,
      receiveEventPayloadType: 101,
      packetTime: 20,
      direction: 'sendrecv',
      target: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
    });
  });

  it.each([
    ['0 8 9', 'PCMU', 0],
    ['9 8 0', 'G722', 9],
    ['18 3 8 0', 'PCMA', 8],
    ['8 8 0', 'PCMA', 8],
  ])('takes the first of %s that it speaks', (formats, codec, type) => {
    const { plan } = answered([`m=audio 4000 RTP/AVP ${formats}`]);
    expect([plan.codec, plan.sendPayloadType]).toEqual([codec, type]);
  });

  it('passes over codecs that are not allowed', () => {
    const { plan } = answered(['m=audio 4000 RTP/AVP 0 8 9'], { codecs: ['G722', 'PCMA'] });
    expect([plan.codec, plan.receivePayloadTypes]).toEqual(['PCMA', { 8: 'PCMA', 9: 'G722' }]);
  });

  it("uses the offerer's numbers and names in any case", () => {
    const { lines, plan } = answered([
      'm=audio 4000 RTP/AVP 96 97 98',
      'a=rtpmap:96 opus/48000/2',
      'a=rtpmap:97 g722/8000/1',
      'a=rtpmap:98 TELEPHONE-EVENT/8000',
    ]);
    expect(lines).toContain('a=rtpmap:97 G722/8000');
    expect([plan.codec, plan.sendPayloadType, plan.sendEventPayloadType]).toEqual(['G722', 97, 98]);
  });

  it('believes a rtpmap before a static number', () => {
    const { plan } = answered(['m=audio 4000 RTP/AVP 0 8', 'a=rtpmap:0 L16/8000']);
    expect([plan.codec, plan.receivePayloadTypes]).toEqual(['PCMA', { 8: 'PCMA' }]);
  });

  it('lets the first rtpmap of a number count', () => {
    const offered = ['m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 PCMA/8000', 'a=rtpmap:96 opus/48000/2'];
    expect(answered(offered).plan.codec).toBe('PCMA');
  });

  it.each(['G722/16000', 'PCMU/16000', 'PCMU/8000/2', 'PCMU'])(
    'does not take %s for one of its codecs',
    encoding => {
      expect(refusal(['m=audio 4000 RTP/AVP 96', `a=rtpmap:96 ${encoding}`])).toContain('no-codec-in-common');
    },
  );

  it('takes telephone-event at 8000 Hz beside other clocks, and has none without it', () => {
    const events = [
      'm=audio 4000 RTP/AVP 0 100 101',
      'a=rtpmap:100 telephone-event/48000',
      'a=rtpmap:101 telephone-event/8000',
    ];
    expect(answered(events).plan.sendEventPayloadType).toBe(101);
    expect(answered(events.slice(0, 2)).plan).not.toHaveProperty('sendEventPayloadType');
  });
});

describe('the m-lines of an answer', () => {
  it('are as many as in the offer and in its order, all but the first usable audio refused', () => {
    const { lines } = answered([
      'm=video 5000 RTP/AVP 31',
      'm=audio 4000 RTP/AVP 18',
      'm=audio 4002 RTP/AVP 0',
      'm=audio 4004 RTP/AVP 0',
      'm=application 5002 TCP/BFCP *',
      'm=image 5004 udptl t38',
    ]);
    expect(mLines(lines)).toEqual([
      'm=video 0 RTP/AVP 31',
      'm=audio 0 RTP/AVP 18',
      'm=audio 10000 RTP/AVP 0',
      'm=audio 0 RTP/AVP 0',
      'm=application 0 TCP/BFCP *',
      'm=image 0 udptl t38',
    ]);
  });

  it('keep the profile, and prefer a plain line to an encrypted one before it', () => {
    expect(mLines(answered(['m=audio 4000 RTP/AVPF 0']).lines)).toEqual(['m=audio 10000 RTP/AVPF 0']);
    expect(mLines(answered(['m=audio 4000 RTP/SAVP 0', 'm=audio 4002 RTP/AVP 0']).lines)).toEqual([
      'm=audio 0 RTP/SAVP 0',
      'm=audio 10000 RTP/AVP 0',
    ]);
  });
});

describe('refusing an offer', () => {
  it.each([
    [
      ['m=audio 4000 RTP/AVP 18 101', 'a=rtpmap:101 telephone-event/8000'],
      'no-codec-in-common: no codec in common: the offer had G729 only',
    ],
    [
      ['m=audio 4000 RTP/AVP 18 96 13', 'a=rtpmap:96 opus/48000/2'],
      'no-codec-in-common: no codec in common: the offer had G729, opus only',
    ],
    [
      ['m=audio 4000 RTP/AVP 77'],
      'no-codec-in-common: no codec in common: the offer had payload type 77 only',
    ],
    [
      ['m=audio 4000 RTP/AVP 1 2 3 4 5 6'],
      'no-codec-in-common: no codec in common: the offer had payload type 1, payload type 2, GSM, G723, DVI4 and others',
    ],
    [['m=video 4000 RTP/AVP 31'], 'no-codec-in-common: no codec in common: the offer had no audio'],
    [['m=audio 0 RTP/AVP 0'], 'no-codec-in-common: no codec in common: the offer had no audio'],
    [[], 'no-codec-in-common: no codec in common: the offer had no audio'],
    [
      ['m=audio 4000 RTP/SAVP 0'],
      'unsupported-transport: unsupported transport: the offer wants RTP/SAVP, and SRTP is disabled here',
    ],
    [
      ['m=audio 4000 UDP/TLS/RTP/SAVPF 0'],
      'unsupported-transport: unsupported transport: the offer wants UDP/TLS/RTP/SAVPF',
    ],
    [
      ['m=audio 4000 RTP/SAVP 0', 'm=audio 4002 RTP/AVP 3'],
      'no-codec-in-common: no codec in common: the offer had GSM only',
    ],
  ])('says why: %j', (lines, expected) => {
    expect(refusal(lines)).toBe(expected);
  });

  it('lets nothing but plain characters of an encoding name into its sentence', () => {
    expect(refusal(['m=audio 4000 RTP/AVP 96', 'a=rtpmap:96 a"\\b;c<d>/8000'])).toContain(
      'the offer had abcd only',
    );
  });

  it('refuses loopback only where told', () => {
    for (const address of [
      'IP4 127.0.0.1',
      'IP6 ::1',
      'IP6 0:0:0:0:0:0:0:1',
      'IP6 ::ffff:127.0.0.1',
      'IP6 ::ffff:7f00:1',
    ]) {
      const offered = sdp('m=audio 4000 RTP/AVP 0', `c=IN ${address}`);
      expect(answer(offered, local).ok).toBe(true);
      const refused = answer(offered, local, { loopback: false });
      expect(refused.ok ? '' : refused.failure.code).toBe('bad-offer');
    }
    expect(answer(sdp('m=audio 4000 RTP/AVP 0'), local, { loopback: false }).ok).toBe(true);
  });
});

describe('packet time', () => {
  it.each([
    [[], 20],
    [['ptime:10'], 10],
    [['ptime:30'], 30],
    [['ptime:40'], 40],
    [['ptime:60'], 60],
    [['ptime:25'], 20],
    [['ptime:5'], 10],
    [['ptime:200'], 60],
    [['ptime:0'], 20],
    [['ptime:-20'], 20],
    [['ptime:x'], 20],
    [['ptime'], 20],
    [['maxptime:10'], 10],
    [['ptime:60', 'maxptime:40'], 40],
    [['ptime:30', 'maxptime:1'], 10],
    [['ptime:1e309'], 20],
  ])('of %j is %d ms', (attributes, expected) => {
    const { lines, plan } = answered(['m=audio 4000 RTP/AVP 0', ...attributes.map(each => `a=${each}`)]);
    expect(plan.packetTime).toBe(expected);
    expect(lines).toContain(`a=ptime:${expected}`);
  });

  it('may stand above the first m-line', () => {
    expect(answered(['a=ptime:30', 'm=audio 4000 RTP/AVP 0']).plan.packetTime).toBe(30);
  });
});

describe('direction', () => {
  it.each<[string, Direction, Direction]>([
    ['sendrecv', 'sendrecv', 'sendrecv'],
    ['sendonly', 'sendrecv', 'recvonly'],
    ['recvonly', 'sendrecv', 'sendonly'],
    ['inactive', 'sendrecv', 'inactive'],
    ['sendrecv', 'sendonly', 'sendonly'],
    ['sendonly', 'sendonly', 'inactive'],
    ['recvonly', 'sendonly', 'sendonly'],
    ['sendrecv', 'inactive', 'inactive'],
  ])('offered %s and wanted %s becomes %s', (offered, wanted, expected) => {
    const { lines, plan } = answered(['m=audio 4000 RTP/AVP 0', `a=${offered}`], { direction: wanted });
    expect([plan.direction, lines.at(-1)]).toEqual([expected, `a=${expected}`]);
  });

  it('of the session holds for a line without its own', () => {
    expect(answered(['a=sendonly', 'm=audio 4000 RTP/AVP 0']).plan.direction).toBe('recvonly');
    expect(answered(['a=sendonly', 'm=audio 4000 RTP/AVP 0', 'a=sendrecv']).plan.direction).toBe('sendrecv');
  });

  it.each([
    ['IP4 0.0.0.0', 'sendrecv', 'recvonly'],
    ['IP6 ::', 'sendonly', 'recvonly'],
    ['IP6 0:0:0:0:0:0:0:0', 'recvonly', 'inactive'],
  ])('with the old hold address %s and %s sends nothing', (address, offered, expected) => {
    const { plan } = answered(['m=audio 4000 RTP/AVP 0', `c=IN ${address}`, `a=${offered}`]);
    expect([plan.direction, plan.target.address]).toEqual([expected, address.slice(4)]);
  });
});

describe('the target', () => {
  it('is of the media line before the session, IPv6 too', () => {
    const { plan } = answered(['m=audio 4000 RTP/AVP 0', 'c=IN IP6 2001:db8::7']);
    expect(plan.target).toEqual({ address: '2001:db8::7', rtpPort: 4000, rtcpPort: 4001 });
  });

  it.each([
    ['rtcp:5000', 5000],
    ['rtcp:5000 IN IP4 198.51.100.1', 5000],
    ['rtcp:0', 4001],
    ['rtcp:99999', 4001],
    ['rtcp', 4001],
    ['rtcp-mux', 4001],
  ])('has the RTCP port of a=%s', (line, port) => {
    expect(answered(['m=audio 4000 RTP/AVP 0', `a=${line}`]).plan.target).toMatchObject({
      address: '192.0.2.1',
      rtcpPort: port,
    });
  });

  it('writes our own IPv6 address as such', () => {
    const { lines } = answered(['m=audio 4000 RTP/AVP 0'], { address: '2001:db8::9', family: 6 });
    expect(lines).toEqual(expect.arrayContaining(['o=- 77 3 IN IP6 2001:db8::9', 'c=IN IP6 2001:db8::9']));
  });
});

describe('our own offer', () => {
  it('has every allowed codec in our order, and telephone-event', () => {
    expect(mLines(offer(local).split('\r\n'))).toEqual(['m=audio 10000 RTP/AVP 0 8 9 101']);
    expect(offer({ ...local, codecs: ['G722'], direction: 'sendonly' })).toContain(
      'm=audio 10000 RTP/AVP 9 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendonly\r\n',
    );
  });

  it('and its answer make a plan: out with their numbers, in with ours', () => {
    const theirs = sdp(
      'm=audio 4000 RTP/AVP 97 96',
      'a=rtpmap:97 PCMA/8000',
      'a=rtpmap:96 telephone-event/8000',
      'a=ptime:30',
      'a=recvonly',
    );
    const plan = acceptAnswer(local, theirs);
    expect(plan.ok && plan.value).toEqual({
      codec: 'PCMA',
      sendPayloadType: 97,
      receivePayloadTypes: { 0: 'PCMU', 8: 'PCMA', 9: 'G722' },
      sendEventPayloadType: 96,
      receiveEventPayloadType: 101,
      packetTime: 30,
      direction: 'sendonly',
      target: { address: '192.0.2.1', rtpPort: 4000, rtcpPort: 4001 },
    });
  });

  it.each([
    [['m=audio 0 RTP/AVP 0'], 'no-codec-in-common'],
    [['m=audio 4000 RTP/AVP 18'], 'no-codec-in-common'],
    [['m=audio 4000 RTP/SAVP 0'], 'unsupported-transport'],
    [['m=audio 4000 RTP/AVP 0', 'm=video 0 RTP/AVP 31'], 'bad-offer'],
    [[], 'bad-offer'],
  ])('is refused by %j', (lines, code) => {
    const result = acceptAnswer(local, sdp(...lines));
    expect(result.ok ? 'taken' : result.failure.code).toBe(code);
  });

  it('is answered by our own answerer', () => {
    const ours = parseSdp(offer(local));
    expect(ours.ok && answer(ours.value, local).ok).toBe(true);
  });
});

describe('comparing plans', () => {
  const { plan } = answered(['m=audio 4000 RTP/AVP 0 8 101', 'a=rtpmap:101 telephone-event/8000']);

  it('finds the same offer the same', () => {
    expect(sameMedia(plan, structuredClone(plan))).toBe(true);
  });

  it.each<[string, Partial<MediaPlan>]>([
    ['codec', { codec: 'PCMA' }],
    ['payload number', { sendPayloadType: 96 }],
    ['accepted numbers', { receivePayloadTypes: { 0: 'PCMU' } }],
    ['accepted codec', { receivePayloadTypes: { 0: 'PCMU', 8: 'G722' } }],
    ['event number out', { sendEventPayloadType: 100 }],
    ['event number in', { receiveEventPayloadType: 100 }],
    ['packet time', { packetTime: 30 }],
    ['direction', { direction: 'inactive' }],
    ['address', { target: { ...plan.target, address: '192.0.2.2' } }],
    ['RTP port', { target: { ...plan.target, rtpPort: 4002 } }],
    ['RTCP port', { target: { ...plan.target, rtcpPort: 4003 } }],
  ])('sees another %s', (_, change) => {
    expect(sameMedia(plan, { ...plan, ...change })).toBe(false);
    expect(sameMedia({ ...plan, ...change }, plan)).toBe(false);
  });
});
