import { describe, expect, it } from 'vitest';
import { inboundLimits as limits } from '../../../../src/media/inbound/limits.ts';
import { type LatchRules, SourceLatch, type Verdict } from '../../../../src/media/inbound/source-latch.ts';
import { parseRtp, RtpView, writeHeader } from '../../../../src/media/rtp/packet.ts';

const sdp = { address: '192.0.2.10', rtpPort: 4000, rtcpPort: 4001 };
const view = new RtpView();

function judge(
  latch: SourceLatch,
  address: string,
  port: number,
  sequence: number,
  nowMs: number,
  ssrc = 1,
): Verdict {
  const packet = Buffer.alloc(172);
  writeHeader(packet, 0, false, sequence & 0xffff, sequence * 160, ssrc);
  parseRtp(packet, view);
  return latch.judge(packet, view, address, port, nowMs);
}

/** The verdicts on `count` packets in order from one source, 20 ms apart. */
function run(
  latch: SourceLatch,
  address: string,
  port: number,
  count: number,
  nowMs = 0,
  ssrc = 1,
): Verdict[] {
  return Array.from({ length: count }, (_, i) =>
    judge(latch, address, port, 65_534 + i, nowMs + 20 * i, ssrc),
  );
}

function applied(target = sdp, signalling?: string): SourceLatch {
  const latch = new SourceLatch();
  latch.apply(target, signalling);
  return latch;
}

describe('SourceLatch', () => {
  it('hears nobody before SDP', () => {
    const latch = new SourceLatch();
    expect(run(latch, sdp.address, sdp.rtpPort, 5)).toEqual(Array(5).fill('stranger'));
    expect(latch.target).toBeUndefined();
  });

  it('hears the address and port of SDP from the first packet on, and then nobody else', () => {
    const latch = applied();
    expect(run(latch, sdp.address, sdp.rtpPort, 3)).toEqual(['heard', 'heard', 'heard']);
    expect(run(latch, '198.51.100.66', 4000, 20, 100)).toEqual(Array(20).fill('stranger'));
    expect(run(latch, sdp.address, 4002, 20, 100)).toEqual(Array(20).fill('stranger'));
    expect(latch.target).toEqual(sdp);
    expect(latch.state).toBe('sdp');
  });

  it('learns a source after four packets in order and holds the three before, so that no sound is lost', () => {
    const latch = applied();
    expect(run(latch, '203.0.113.5', 61_000, 5)).toEqual(['held', 'held', 'held', 'learned', 'heard']);
    const held = latch.takeHeld();
    expect(held.map(each => each.packet.readUInt16BE(2))).toEqual([65_534, 65_535, 0]);
    expect(held.map(each => each.nowMs)).toEqual([0, 20, 40]);
    expect(latch.takeHeld()).toEqual([]);
    expect(latch.target).toEqual({ address: '203.0.113.5', rtpPort: 61_000, rtcpPort: 61_001 });
  });

  it('does not learn from packets that are out of order or change their SSRC', () => {
    const latch = applied();
    for (let i = 0; i < 40; i++)
      expect(judge(latch, '203.0.113.5', 61_000, i * 2, i * 20)).not.toBe('learned');
    for (let i = 0; i < 40; i++)
      expect(judge(latch, '203.0.113.6', 61_000, i, i * 20, i)).not.toBe('learned');
    expect(latch.state).toBe('open');
  });

  it('learns only while the time for it runs, even if no packet came in it', () => {
    const latch = applied();
    latch.tick(1000);
    expect(run(latch, '203.0.113.5', 61_000, 10, 1001 + limits.learnMs)).toEqual(Array(10).fill('stranger'));
    expect(judge(latch, sdp.address, sdp.rtpPort, 1, 60_000)).toBe('heard');
  });

  it('lets the address and port of SDP win over what was learned while the time runs, and not after', () => {
    const early = applied();
    run(early, '203.0.113.5', 61_000, 5);
    expect(judge(early, sdp.address, sdp.rtpPort, 1, 1000)).toBe('heard');
    expect(early.target).toEqual(sdp);
    expect(judge(early, '203.0.113.5', 61_000, 9, 1020)).toBe('stranger');
    const late = applied();
    run(late, '203.0.113.5', 61_000, 5);
    expect(judge(late, sdp.address, sdp.rtpPort, 1, limits.learnMs + 1)).toBe('stranger');
    expect(judge(late, '203.0.113.5', 61_000, 9, limits.learnMs + 2)).toBe('heard');
  });

  it('lets the signalling address and the SDP address in although strangers fill every place', () => {
    for (const address of ['203.0.113.5', sdp.address]) {
      const latch = applied(sdp, '203.0.113.5');
      for (let i = 0; i < 50; i++) judge(latch, '198.51.100.66', 10_000 + i, 1, 10);
      expect(run(latch, address, 61_000, 4, 20).at(-1)).toBe('learned');
    }
  });

  it('gives the place of a silent stranger to another source', () => {
    const latch = applied();
    for (let i = 0; i < 50; i++) judge(latch, '198.51.100.66', 10_000 + i, 1, 10);
    expect(run(latch, '203.0.113.5', 61_000, 4, 20).at(-1)).toBe('stranger');
    expect(run(latch, '203.0.113.5', 61_000, 4, 300).at(-1)).toBe('learned');
  });

  it('changes nothing when a re-offer names the same target', () => {
    const latch = applied();
    run(latch, '203.0.113.5', 61_000, 5);
    latch.apply({ ...sdp });
    expect(judge(latch, '203.0.113.5', 61_000, 9, 200)).toBe('heard');
    expect(latch.target?.address).toBe('203.0.113.5');
    expect(run(latch, '198.51.100.66', 5000, 6, 220)).toEqual(Array(6).fill('stranger'));
  });

  it('takes a new RTCP port without learning RTP again', () => {
    const latch = applied();
    judge(latch, sdp.address, sdp.rtpPort, 1, 0);
    latch.apply({ ...sdp, rtcpPort: 4444 });
    expect(latch.target).toEqual({ ...sdp, rtcpPort: 4444 });
    expect(latch.state).toBe('sdp');
  });

  it('follows a re-offer to another target: the former peer is heard until the new one is, and no longer', () => {
    const latch = applied();
    judge(latch, sdp.address, sdp.rtpPort, 1, 0);
    const moved = { address: '192.0.2.77', rtpPort: 7000, rtcpPort: 7001 };
    latch.apply(moved);
    expect(latch.target).toEqual(moved);
    expect(run(latch, sdp.address, sdp.rtpPort, 10, 20)).toEqual(Array(10).fill('heard'));
    expect(latch.target).toEqual(moved);
    expect(judge(latch, moved.address, moved.rtpPort, 1, 300)).toBe('heard');
    expect(judge(latch, sdp.address, sdp.rtpPort, 30, 320)).toBe('stranger');
  });

  it('learns a peer behind NAT again after a re-offer, without missing or repeating a packet', () => {
    const latch = applied();
    run(latch, '203.0.113.5', 61_000, 5);
    latch.takeHeld();
    latch.apply({ ...sdp, rtpPort: 5000, rtcpPort: 5001 });
    expect(run(latch, '203.0.113.5', 61_000, 6, 200)).toEqual(Array(6).fill('heard'));
    expect(latch.takeHeld()).toEqual([]);
    expect(latch.target?.rtpPort).toBe(61_000);
  });

  it('learns a peer behind NAT again after a hold of old, in which SDP named no address', () => {
    const latch = applied();
    run(latch, '203.0.113.5', 61_000, 5);
    latch.takeHeld();
    latch.apply({ ...sdp, address: '0.0.0.0' });
    latch.apply(sdp);
    expect(run(latch, '203.0.113.5', 61_000, 6, 30_000)).toEqual(Array(6).fill('heard'));
    expect(latch.target).toEqual({ address: '203.0.113.5', rtpPort: 61_000, rtcpPort: 61_001 });
  });

  describe('when SDP names the same target again', () => {
    const home = '203.0.113.5';

    function resumed(rules: LatchRules = {}, signalling?: string): SourceLatch {
      const latch = applied(sdp, signalling);
      run(latch, home, 61_000, 5);
      latch.takeHeld();
      latch.apply(sdp, signalling, { peerSends: false });
      latch.apply(sdp, signalling, rules);
      latch.tick(60_000);
      return latch;
    }

    it('learns the peer at the new port that its NAT gave it, while nothing comes from the old one', () => {
      const latch = resumed();
      const verdicts = run(latch, home, 61_500, 20, 60_000);
      expect(verdicts.indexOf('learned')).toBe(Math.floor(limits.candidateIdleMs / 20) + 1);
      expect(verdicts.at(-1)).toBe('heard');
      expect(latch.takeHeld()).toHaveLength(3);
      expect(latch.target).toEqual({ address: home, rtpPort: 61_500, rtcpPort: 61_501 });
      expect(judge(latch, home, 61_000, 9, 60_500)).toBe('stranger');
    });

    it('learns it at another address once it has been silent for longer', () => {
      const latch = resumed();
      const verdicts = run(latch, '203.0.113.99', 61_000, 60, 60_000);
      expect(verdicts.indexOf('learned')).toBe(limits.takeOverMs / 20 + 1);
      expect(latch.target?.address).toBe('203.0.113.99');
    });

    it('learns nobody once the peer is heard, however many sent before it', () => {
      const latch = resumed();
      expect(run(latch, '198.51.100.66', 5000, 10, 60_000)).not.toContain('learned');
      expect(run(latch, home, 61_500, 10, 60_000)).not.toContain('learned');
      expect(judge(latch, home, 61_000, 9, 60_200)).toBe('heard');
      expect(run(latch, home, 61_500, 200, 60_220)).toEqual(Array(200).fill('stranger'));
      expect(judge(latch, home, 61_000, 10, 64_300)).toBe('heard');
    });

    it('learns nobody after the time for it', () => {
      const latch = resumed();
      const verdicts = run(latch, home, 61_500, 100, 60_001 + limits.learnMs);
      expect(verdicts).toEqual(Array(100).fill('stranger'));
      expect(judge(latch, home, 61_000, 9, 90_000)).toBe('heard');
    });

    it('learns a peer that SDP named at its own address or that of the signalling, and nowhere else', () => {
      const learned = [sdp.address, '203.0.113.1', '198.51.100.66'].map(address => {
        const latch = applied(sdp, '203.0.113.1');
        judge(latch, sdp.address, sdp.rtpPort, 1, 0);
        latch.apply(sdp, '203.0.113.1');
        return run(latch, address, 4444, 200, 1000).includes('learned');
      });
      expect(learned).toEqual([true, true, false]);
    });
  });

  it('learns nobody while the peer may not send, and begins to when it may', () => {
    const latch = new SourceLatch();
    latch.apply(sdp, undefined, { peerSends: false });
    latch.tick(0);
    expect(run(latch, '203.0.113.5', 61_000, 10)).toEqual(Array(10).fill('stranger'));
    latch.apply(sdp);
    expect(run(latch, '203.0.113.5', 61_000, 4, 30_000).at(-1)).toBe('learned');
  });

  it('sends nothing to a peer that was learned and now holds with an unspecified address', () => {
    const latch = applied();
    run(latch, '203.0.113.5', 61_000, 5);
    const held = { ...sdp, address: '0.0.0.0' };
    latch.apply(held);
    expect(run(latch, '203.0.113.5', 61_000, 10, 200)).toEqual(Array(10).fill('heard'));
    expect(latch.target).toEqual(held);
  });

  it('learns nobody else while a source at the address of the signalling is under observation', () => {
    const latch = applied(sdp, '203.0.113.5');
    expect(judge(latch, '203.0.113.5', 61_000, 1, 0)).toBe('held');
    expect(run(latch, '198.51.100.66', 5000, 12, 1)).toEqual(Array(12).fill('held'));
    expect(judge(latch, '203.0.113.5', 61_000, 2, 240)).toBe('held');
    expect(run(latch, '198.51.100.66', 5000, 12, 241)).toEqual(Array(12).fill('held'));
    expect(judge(latch, '198.51.100.66', 5000, 10, 241 + limits.candidateIdleMs)).toBe('learned');
  });

  it('lets the address of the signalling win over what was learned while the time runs, and not after', () => {
    const winner = (ms: number) => {
      const latch = applied(sdp, '203.0.113.5');
      run(latch, '198.51.100.66', 5000, 5);
      run(latch, '203.0.113.5', 61_000, 4, ms);
      run(latch, '198.51.100.66', 5000, 50, ms);
      return latch.target?.address;
    };
    expect(winner(1000)).toBe('203.0.113.5');
    expect(winner(limits.learnMs + 1)).toBe('198.51.100.66');
  });

  it('learns a silent peer elsewhere at any time where packets are authenticated, and none while it speaks', () => {
    const latch = new SourceLatch();
    latch.apply(sdp, undefined, { genuine: true });
    judge(latch, sdp.address, sdp.rtpPort, 1, 0);
    for (let at = 0; at < 60_000; at += 20) {
      judge(latch, sdp.address, sdp.rtpPort, at / 20, at);
      expect(judge(latch, '203.0.113.5', 61_000, at / 20, at)).toBe('stranger');
    }
    const verdicts = run(latch, '203.0.113.5', 61_000, 60, 60_000);
    expect(verdicts.slice(0, 12)).toEqual(Array(12).fill('stranger'));
    expect(verdicts.slice(-5)).toEqual(Array(5).fill('heard'));
    expect(latch.target?.address).toBe('203.0.113.5');
  });

  it('knows addresses however they are written', () => {
    const v6 = applied({ ...sdp, address: '2001:DB8:0::0:1' });
    expect(judge(v6, '2001:db8::1', 4000, 1, 0)).toBe('heard');
    const mapped = applied();
    expect(judge(mapped, '::ffff:192.0.2.10', 4000, 1, 0)).toBe('heard');
    expect(judge(mapped, '::ffff:192.0.2.11', 4000, 1, 0)).toBe('stranger');
  });

  it('takes RTCP from the peer alone, and learns its port only behind NAT', () => {
    const exact = applied();
    expect(exact.judgeControl(sdp.address, 4001)).toBe(true);
    expect(exact.judgeControl('198.51.100.66', 4001)).toBe(false);
    judge(exact, sdp.address, sdp.rtpPort, 1, 0);
    expect(exact.judgeControl(sdp.address, 9999)).toBe(true);
    expect(exact.target?.rtcpPort).toBe(4001);
    const nat = applied();
    run(nat, '203.0.113.5', 61_000, 5);
    expect(nat.judgeControl('198.51.100.66', 61_001)).toBe(false);
    expect(nat.judgeControl('203.0.113.5', 62_345)).toBe(true);
    expect(nat.judgeControl('203.0.113.5', 62_346)).toBe(true);
    expect(nat.target).toEqual({ address: '203.0.113.5', rtpPort: 61_000, rtcpPort: 62_345 });
  });

  it('guesses the same port for RTCP when SDP multiplexes', () => {
    const latch = applied({ ...sdp, rtcpPort: sdp.rtpPort });
    run(latch, '203.0.113.5', 61_000, 5);
    expect(latch.target?.rtcpPort).toBe(61_000);
  });
});
