import { SocketAddress } from 'node:net';
import { isUnspecified } from '../../sdp/address.ts';
import type { MediaTarget } from '../../sdp/plan.ts';
import type { RtpView } from '../rtp/packet.ts';
import { sequencePlus } from '../rtp/sequence.ts';
import { inboundLimits as limits } from './limits.ts';

/**
 * `heard`: of the peer. `held`: of a source that may turn out to be the peer, kept until that is known. `learned`: of
 * a source that has just become the peer; what was held of it goes before this packet. `stranger`: not to be heard.
 */
export type Verdict = 'heard' | 'held' | 'learned' | 'stranger';

/** A packet of a source under observation, with the time it came. */
export interface HeldPacket {
  readonly packet: Buffer;
  readonly nowMs: number;
}

interface Candidate {
  readonly address: string;
  readonly port: number;
  readonly ssrc: number;
  /** At an address that SDP or signalling named, or where the peer was learned before. */
  readonly preferred: boolean;
  lastSequence: number;
  lastMs: number;
  held: HeldPacket[];
}

/** What a latch has to know besides addresses. */
export interface LatchRules {
  /** Whether the peer may send at all; true unless given. */
  readonly peerSends?: boolean;
  /** Every packet that is judged was authenticated, and came for the first time; false unless given. */
  readonly genuine?: boolean;
}

/** Where to send: the source once it is known, before that what SDP said; undefined before SDP. */
export interface Route {
  readonly target: MediaTarget | undefined;
}

/**
 * Decides whose packets are heard, so that nobody can speak into a call by guessing its port ("RTP bleed").
 *
 * - The address and port that SDP named are the peer from their first packet on, and stay it.
 * - A peer behind NAT sends from elsewhere: within `learnMs` of the SDP, a source with `learnPackets` packets in order,
 *   of one SSRC and a negotiated payload type, becomes the peer. Its packets are held meanwhile, so that no word is
 *   lost. Who is at the address of SDP or signalling goes before everybody else: it takes the place of any other under
 *   observation, nobody else is learned while it is, and it is the peer even after another was learned in that time. The
 *   SDP's own address and port win over them all.
 * - From then on everybody else is a stranger, until SDP names another target. The former peer is heard until the new
 *   one is known. It can be learned again only if it had been learned: then it is the same device behind its NAT; one
 *   that SDP itself had named has moved away for good.
 * - SDP that names the same target again keeps the peer. But its NAT may have given it another port meanwhile, above all
 *   in a hold: while nothing more comes from where it was, another source is learned, at a new address only after
 *   `takeOverMs`. The peer that SDP named itself does so at its own address, or at that of the signalling.
 * - Packets that are authenticated (SRTP) need no SDP for that: a peer that has fallen silent may be learned elsewhere at
 *   any time.
 * - While the peer may not send, or holds with an unspecified address, nobody is learned.
 */
export class SourceLatch {
  /** An object of its own: who sends looks here for each packet, and at nothing else of the way in. */
  readonly route: Route;
  readonly #route: { target: MediaTarget | undefined } = { target: undefined };
  #sdp: MediaTarget = { address: '', rtpPort: 0, rtcpPort: 0 };
  #signalling = '';
  /** Who sends may be learned. */
  #seeks = false;
  #genuine = false;
  /** When the time for learning began, and when the peer was last heard since SDP came; -1: not yet. */
  #sinceMs = -1;
  #heardMs = -1;
  /** The peer; the former one while nobody is. */
  #pinnedAddress = '';
  #pinnedPort = 0;
  #pin: 'none' | 'learned' | 'sdp' = 'none';
  #formerLearned = false;
  #rtcpLearned = false;
  readonly #candidates: Candidate[] = [];
  #held: readonly HeldPacket[] = [];

  constructor() {
    this.route = this.#route;
  }

  /** What the route leads to. */
  get target(): MediaTarget | undefined {
    return this.#route.target;
  }

  /** How the peer is known, for the log: `open`, `learned` (differs from SDP) or `sdp`. */
  get state(): 'open' | 'learned' | 'sdp' {
    return this.#pin === 'none' ? 'open' : this.#pin;
  }

  /** SDP named `target`, the same one again or another. */
  apply(
    target: MediaTarget,
    signallingAddress = '',
    { peerSends = true, genuine = false }: LatchRules = {},
  ): void {
    this.#signalling = canonical(signallingAddress);
    this.#genuine = genuine;
    const address = canonical(target.address);
    this.#seeks = peerSends && !isUnspecified(address);
    this.#sinceMs = -1;
    this.#heardMs = -1;
    this.#candidates.length = 0;
    this.#rtcpLearned = false;
    const same = address === this.#sdp.address && target.rtpPort === this.#sdp.rtpPort;
    if (same && target.rtcpPort === this.#sdp.rtcpPort) return;
    this.#sdp = { address, rtpPort: target.rtpPort, rtcpPort: target.rtcpPort };
    // A new RTCP port alone moves nothing that was learned of RTP.
    if (same) {
      if (this.#pin !== 'learned') this.#route.target = this.#sdp;
      return;
    }
    // Where nobody was heard under this target, the former peer is still who it was under the one before.
    if (this.#pin !== 'none') this.#formerLearned = this.#pin === 'learned';
    this.#route.target = this.#sdp;
    this.#pin = 'none';
  }

  /** Lets the time for learning run even while no packet comes. */
  tick(nowMs: number): void {
    if (this.#sinceMs < 0 && this.#route.target !== undefined) this.#sinceMs = nowMs;
  }

  /** Judges one well-formed packet with a negotiated payload type. */
  judge(packet: Buffer, view: RtpView, address: string, port: number, nowMs: number): Verdict {
    if (this.#pin !== 'none' && port === this.#pinnedPort && address === this.#pinnedAddress) {
      this.#heardMs = nowMs;
      return 'heard';
    }
    if (this.#route.target === undefined) return 'stranger';
    this.tick(nowMs);
    const learning = this.#seeks && (this.#genuine || nowMs - this.#sinceMs <= limits.learnMs);
    const exact = port === this.#sdp.rtpPort && this.#isSdpAddress(address);
    if (exact && (learning || this.#pin === 'none')) {
      this.#become('sdp', address, port, nowMs);
      return 'heard';
    }
    if (this.#pin !== 'none') {
      const contests = learning && this.#mayContest(address, nowMs);
      return contests ? this.#observe(packet, view, address, port, nowMs) : 'stranger';
    }
    const former = port === this.#pinnedPort && address === this.#pinnedAddress;
    if (former && (!this.#formerLearned || !learning)) return 'heard';
    if (!learning) return 'stranger';
    const verdict = this.#observe(packet, view, address, port, nowMs);
    if (!former) return verdict;
    this.#held = []; // what was held of the former peer has been heard already
    return 'heard';
  }

  /** Whether a datagram of the RTCP port comes from the peer; learns its port when the peer is behind NAT. */
  judgeControl(address: string, port: number): boolean {
    if (this.#pin === 'none') return this.#isSdpAddress(address);
    if (address !== this.#pinnedAddress) return false;
    const { target } = this.#route;
    if (this.#pin === 'learned' && !this.#rtcpLearned && target !== undefined) {
      this.#rtcpLearned = true;
      this.#route.target = { ...target, rtcpPort: port };
    }
    return true;
  }

  /** Packets of the source just learned, oldest first, without the one that settled it; they are given out once. */
  takeHeld(): readonly HeldPacket[] {
    const held = this.#held;
    this.#held = [];
    return held;
  }

  #observe(packet: Buffer, view: RtpView, address: string, port: number, nowMs: number): Verdict {
    const candidate = this.#candidateOf(view, address, port, nowMs);
    if (candidate === undefined) return 'stranger';
    if (view.sequence !== sequencePlus(candidate.lastSequence, 1)) candidate.held = [];
    candidate.lastSequence = view.sequence;
    candidate.lastMs = nowMs;
    if (candidate.held.length + 1 >= limits.learnPackets) {
      if (this.#mayBecome(candidate, nowMs)) {
        this.#held = candidate.held;
        this.#become('learned', address, port, nowMs);
        return 'learned';
      }
      candidate.held.shift();
    }
    candidate.held.push({ packet: Buffer.from(packet), nowMs });
    return 'held';
  }

  #candidateOf(view: RtpView, address: string, port: number, nowMs: number): Candidate | undefined {
    const candidates = this.#candidates;
    for (const known of candidates) {
      if (known.port === port && known.ssrc === view.ssrc && known.address === address) return known;
    }
    const preferred = this.#isPreferred(address);
    if (candidates.length >= limits.learnCandidates && !this.#makeRoom(preferred, nowMs)) return undefined;
    const lastSequence = sequencePlus(view.sequence, -1);
    const fresh = { address, port, ssrc: view.ssrc, preferred, lastSequence, lastMs: nowMs, held: [] };
    candidates.push(fresh);
    return fresh;
  }

  /** Drops a candidate that fell silent, or one of no preferred address for one that has it. */
  #makeRoom(preferred: boolean, nowMs: number): boolean {
    const at = this.#candidates.findIndex(known => idle(known, nowMs) || (preferred && !known.preferred));
    if (at >= 0) this.#candidates.splice(at, 1);
    return at >= 0;
  }

  /** Whether a source may turn out to be the peer although there is one. */
  #mayContest(address: string, nowMs: number): boolean {
    if (this.#outranksPeer(address)) return true;
    const silent = this.#genuine ? this.#silentMs(nowMs) > limits.candidateIdleMs : this.#heardMs < 0;
    return silent && (this.#genuine || this.#pin === 'learned' || this.#isPreferred(address));
  }

  /** Whether a source that has sent enough is the peer by now. */
  #mayBecome(candidate: Candidate, nowMs: number): boolean {
    const { preferred, address } = candidate;
    if (!preferred && this.#candidates.some(known => known.preferred && !idle(known, nowMs))) return false;
    if (this.#pin === 'none' || this.#outranksPeer(address)) return true;
    return this.#silentMs(nowMs) > (preferred ? limits.candidateIdleMs : limits.takeOverMs);
  }

  /** Whether an address was named, while that of the peer is one that nobody named. */
  #outranksPeer(address: string): boolean {
    return this.#pin === 'learned' && this.#isNamed(address) && !this.#isNamed(this.#pinnedAddress);
  }

  /** How long nothing has come from the peer, since SDP at most. */
  #silentMs(nowMs: number): number {
    return nowMs - Math.max(this.#heardMs, this.#sinceMs);
  }

  #become(pin: 'learned' | 'sdp', address: string, port: number, nowMs: number): void {
    this.#pin = pin;
    this.#heardMs = nowMs;
    this.#pinnedAddress = address;
    this.#pinnedPort = port;
    this.#candidates.length = 0;
    this.#rtcpLearned = false;
    if (pin === 'sdp') this.#route.target = this.#sdp;
    else this.#route.target = { address, rtpPort: port, rtcpPort: this.#rtcpGuess(port) };
  }

  /** Until RTCP comes from behind the NAT: the same port if SDP multiplexes, else the next one (RFC 3550 section 11). */
  #rtcpGuess(port: number): number {
    return this.#sdp.rtcpPort === this.#sdp.rtpPort ? port : Math.min(65535, port + 1);
  }

  #isPreferred(address: string): boolean {
    const learned = this.#pin === 'none' ? this.#formerLearned : this.#pin === 'learned';
    return this.#isNamed(address) || (learned && address === this.#pinnedAddress);
  }

  #isNamed(address: string): boolean {
    return this.#isSdpAddress(address) || stripMapped(address) === this.#signalling;
  }

  #isSdpAddress(address: string): boolean {
    return address === this.#sdp.address || stripMapped(address) === this.#sdp.address;
  }
}

/** Whether a source under observation has fallen silent. */
function idle(candidate: Candidate, nowMs: number): boolean {
  return nowMs - candidate.lastMs > limits.candidateIdleMs;
}

/** An IPv4 address as a dual-stack socket shows it, in its own form. */
function stripMapped(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/** IPv6 text as sockets print it; anything else unchanged. */
function canonical(address: string): string {
  if (!address.includes(':')) return address;
  try {
    return stripMapped(new SocketAddress({ address, family: 'ipv6' }).address);
  } catch {
    return address; // not an IP literal: it will match no source
  }
}
