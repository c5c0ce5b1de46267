import { describe, expect, it } from 'vitest';
import type { LocalDescription } from '../../../src/sdp/negotiation.ts';
import { parseSdp } from '../../../src/sdp/parser.ts';
import { codecNames, type Direction, type MediaPlan } from '../../../src/sdp/plan.ts';
import { OfferAnswer } from '../../../src/sip/offer-answer.ts';
import { someOffer } from '../../support/fake-dialogue.ts';

const ours: LocalDescription = {
  address: '192.0.2.1',
  family: 4,
  rtpPort: 10_000,
  sessionId: 7,
  version: 1,
  codecs: codecNames,
};

function described(text: string) {
  const sdp = parseSdp(text);
  if (!sdp.ok) throw sdp.failure;
  return sdp.value;
}

const versionOf = (sdp: string) => Number(/^o=\S+ \S+ (\d+) /m.exec(sdp)?.[1]);
const mediaOf = (sdp: string) => sdp.split('\r\n').filter(line => line.startsWith('m='));
const directionOf = (sdp: string) => /^a=(sendrecv|sendonly|recvonly|inactive)/m.exec(sdp)?.[1];

function session(first: string | undefined = someOffer(), local = ours) {
  const plans: MediaPlan[] = [];
  const state = new OfferAnswer(local, plan => void plans.push(plan));
  const answered = first === '' ? undefined : state.answer(described(first));
  if (answered?.ok === false) throw answered.failure;
  /** The peer re-offers, and our answer reaches it. */
  const again = (offer: string | undefined) => {
    const answer = state.reoffered(offer);
    if (!('sdp' in answer)) throw new Error(`refused: ${answer.warning}`);
    answer.sent?.();
    return answer;
  };
  return { state, plans, first: answered?.value ?? '', again };
}

describe('a re-offer of the peer', () => {
  it.each([
    ['sendonly', 'recvonly'],
    ['inactive', 'inactive'],
    ['recvonly', 'sendonly'],
  ] as [Direction, Direction][])(
    'that holds with %s is answered %s, and resume is another version',
    (said, heard) => {
      const { again, plans, first } = session();
      const held = again(someOffer('0 101', said)).sdp;
      expect([directionOf(held), versionOf(held), plans.at(-1)?.direction]).toEqual([heard, 2, heard]);
      const resumed = again(someOffer()).sdp;
      expect([directionOf(resumed), versionOf(resumed)]).toEqual(['sendrecv', 3]);
      expect(resumed.replace(/^o=.*/m, '')).toBe(first.replace(/^o=.*/m, ''));
      expect(plans).toHaveLength(3);
    },
  );

  it('that holds with 0.0.0.0 is answered recvonly-like, with nothing sent there', () => {
    const { again, plans } = session();
    const held = again(someOffer().replace('c=IN IP4 192.0.2.10', 'c=IN IP4 0.0.0.0')).sdp;
    expect(directionOf(held)).toBe('recvonly');
    expect(plans.at(-1)).toMatchObject({ direction: 'recvonly', target: { address: '0.0.0.0' } });
  });

  it('that changes nothing twenty times starts no media anew', () => {
    const { again, plans, first } = session();
    for (let i = 0; i < 20; i++) expect(again(someOffer()).sdp).toBe(first);
    expect(plans).toHaveLength(1);
  });

  it('that moves the address moves it, and says what was said before with the same version', () => {
    const { again, plans, first } = session();
    expect(again(someOffer().replace('c=IN IP4 192.0.2.10', 'c=IN IP4 192.0.2.99')).sdp).toBe(first);
    expect(plans.at(-1)?.target.address).toBe('192.0.2.99');
    again(someOffer('0 101', 'sendrecv', 6000));
    expect(plans.at(-1)?.target).toMatchObject({ address: '192.0.2.10', rtpPort: 6000, rtcpPort: 6001 });
  });

  it('that changes the codec changes it', () => {
    const { again, plans } = session();
    const changed = again(someOffer('8 0 101')).sdp;
    expect(mediaOf(changed)).toEqual(['m=audio 10000 RTP/AVP 8 101']);
    expect([plans.at(-1)?.codec, versionOf(changed)]).toEqual(['PCMA', 2]);
  });

  it('that never got our answer leaves no trace', () => {
    const { state, plans, again, first } = session();
    const dropped = state.reoffered(someOffer('8 101', 'sendonly', 7000));
    expect('sdp' in dropped && versionOf(dropped.sdp)).toBe(2);
    expect(plans).toHaveLength(1);
    expect(again(someOffer()).sdp).toBe(first);
    expect(versionOf(again(someOffer('8 101')).sdp)).toBe(2);
  });

  it('with more lines has them all answered, and a session that has them keeps them', () => {
    const { state, again } = session();
    const video = `${someOffer()}m=video 5000 RTP/AVP 96\r\nm=audio 5002 RTP/AVP 0\r\nm=image 5004 udptl t38\r\n`;
    const expected = ['m=video 0 RTP/AVP 96', 'm=audio 0 RTP/AVP 0', 'm=image 0 udptl t38'];
    expect(mediaOf(again(video).sdp)).toEqual(['m=audio 10000 RTP/AVP 0 101', ...expected]);
    const proposal = state.propose('sendonly');
    if (!proposal.ok) throw proposal.failure;
    expect(mediaOf(proposal.value.offer())).toEqual(['m=audio 10000 RTP/AVP 0 8 9 101', ...expected]);
  });

  it('that turns the audio off is refused, and the session stays', () => {
    const { state, plans } = session();
    expect(state.reoffered(someOffer('0 101', 'sendrecv', 0))).toMatchObject({ status: 488 });
    expect(plans).toHaveLength(1);
  });
});

describe('a re-INVITE without an offer', () => {
  it('gets everything again, not only what is in use, and takes the answer of the ACK', () => {
    const { plans, again } = session();
    const { sdp, answered } = again(undefined);
    expect(mediaOf(sdp)).toEqual(['m=audio 10000 RTP/AVP 0 8 9 101']);
    expect(versionOf(sdp)).toBe(2);
    expect(plans).toHaveLength(1);
    answered?.(someOffer('9 101', 'sendrecv', 7000));
    expect(plans.at(-1)).toMatchObject({ codec: 'G722', target: { rtpPort: 7000 } });
    // What we say to the next re-offer is compared with the offer that is in force now.
    expect(versionOf(again(someOffer('9 101', 'sendrecv', 7000)).sdp)).toBe(3);
  });

  it('on hold offers to send and receive, so that the peer can resume by it', () => {
    const { again } = session();
    again(someOffer('0 101', 'sendonly'));
    expect(directionOf(again(undefined).sdp)).toBe('sendrecv');
  });

  it.each([
    ['is missing', undefined],
    ['is not SDP', 'hello'],
    ['has no codec of ours', someOffer('18')],
    ['has another number of lines', `${someOffer()}m=video 5000 RTP/AVP 96\r\n`],
  ])('whose answer %s leaves the session as it was', (_title, text) => {
    const { plans, again, first } = session();
    again(undefined).answered?.(text);
    expect(plans).toHaveLength(1);
    expect(first).not.toBe('');
  });

  it('calls telephone-event what the peer calls it', () => {
    const dynamic = someOffer('0 96').replace('a=rtpmap:101', 'a=rtpmap:96');
    const { again, plans } = session(dynamic);
    const { sdp, answered } = again(undefined);
    expect(sdp).toContain('a=rtpmap:96 telephone-event/8000');
    answered?.(dynamic);
    expect(plans.at(-1)).toMatchObject({ sendEventPayloadType: 96, receiveEventPayloadType: 96 });
  });

  it('takes another number for telephone-event where the peer uses ours for something else', () => {
    const { again } = session(
      'v=0\r\no=- 1 1 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n' +
        'm=audio 4000 RTP/AVP 101 0\r\na=rtpmap:101 opus/48000/2\r\n',
    );
    expect(mediaOf(again(undefined).sdp)).toEqual(['m=audio 10000 RTP/AVP 0 8 9 102']);
  });

  it('keeps the profile with feedback that the peer began with', () => {
    const { again } = session(someOffer().replace('RTP/AVP', 'RTP/AVPF'));
    expect(mediaOf(again(undefined).sdp)).toEqual(['m=audio 10000 RTP/AVPF 0 8 9 101']);
  });
});

describe('an offer of ours', () => {
  it('first of all has the version it was given, and its answer makes the session', () => {
    const { state, plans } = session('');
    const proposal = state.propose();
    if (!proposal.ok) throw proposal.failure;
    expect(versionOf(proposal.value.offer())).toBe(1);
    expect(proposal.value.accept(someOffer('8 101')).ok).toBe(true);
    expect(plans).toMatchObject([{ codec: 'PCMA' }]);
  });

  it('that was refused is not in force, and its version is used up', () => {
    const { state, plans, again } = session();
    const proposal = state.propose('sendonly');
    if (!proposal.ok) throw proposal.failure;
    const sdp = proposal.value.offer();
    expect([directionOf(sdp), versionOf(sdp)]).toEqual(['sendonly', 2]);
    expect(plans).toHaveLength(1);
    expect(versionOf(again(someOffer('8 101')).sdp)).toBe(3);
    expect(plans.at(-1)?.direction).toBe('sendrecv');
  });

  it('that goes out again is made anew: the peer may have changed the session meanwhile', () => {
    const { state, again, plans } = session();
    const proposal = state.propose('sendonly');
    if (!proposal.ok) throw proposal.failure;
    expect(versionOf(proposal.value.offer())).toBe(2);
    // RFC 3264 section 8.3.1: the peer has added a line while ours met its re-offer.
    const video = `${someOffer('8 101')}m=video 5000 RTP/AVP 96\r\n`;
    expect(versionOf(again(video).sdp)).toBe(3);
    const second = proposal.value.offer();
    expect([directionOf(second), versionOf(second), mediaOf(second).length]).toEqual(['sendonly', 4, 2]);
    const answer = `${someOffer('8 101', 'recvonly')}m=video 0 RTP/AVP 96\r\n`;
    expect(proposal.value.accept(answer).ok).toBe(true);
    expect(plans.at(-1)).toMatchObject({ codec: 'PCMA', direction: 'sendonly' });
  });

  it('that holds stays in force through the re-offers of the peer', () => {
    const { state, again, plans } = session();
    const proposal = state.propose('sendonly');
    if (!proposal.ok) throw proposal.failure;
    proposal.value.offer();
    expect(proposal.value.accept(someOffer('0 101', 'recvonly')).ok).toBe(true);
    expect(plans.at(-1)?.direction).toBe('sendonly');
    expect(directionOf(again(someOffer('0 101', 'sendrecv', 6000)).sdp)).toBe('sendonly');
  });
});

describe('a refresh of the session by the signalling', () => {
  it('moves the media when the answer says so, and changes nothing when it does not', () => {
    const { state, plans } = session();
    state.refreshed(someOffer());
    const before = plans.length;
    state.refreshed(someOffer('0 101', 'sendrecv', 9000));
    expect(plans).toHaveLength(before + 1);
    expect(plans.at(-1)?.target.rtpPort).toBe(9000);
    state.refreshed('hello');
    expect(plans).toHaveLength(before + 1);
  });
});

describe('IPv6', () => {
  const six: LocalDescription = { ...ours, address: '2001:db8::1', family: 6 };
  const theirs = someOffer().replace('c=IN IP4 192.0.2.10', 'c=IN IP6 2001:db8::10');

  it('is answered and offered over IPv6', () => {
    const { first, plans, again } = session(theirs, six);
    expect(first).toContain('c=IN IP6 2001:db8::1');
    expect(plans[0]?.target.address).toBe('2001:db8::10');
    expect(again(undefined).sdp).toContain('o=- 7 2 IN IP6 2001:db8::1');
  });
});

describe('rtcp-mux', () => {
  it('that is offered is not taken up: RTCP keeps its own port (RFC 5761 section 5.1.1)', () => {
    const { first, plans } = session(`${someOffer()}a=rtcp-mux\r\n`);
    expect(first).not.toContain('rtcp-mux');
    expect(plans[0]?.target).toMatchObject({ rtpPort: 4000, rtcpPort: 4001 });
  });
});
