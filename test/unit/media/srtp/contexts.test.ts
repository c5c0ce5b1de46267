import { createCipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { writeHeader } from '../../../../src/media/rtp/packet.ts';
import { emptyBlock, writeReport } from '../../../../src/media/rtp/rtcp.ts';
import { deriveKeys } from '../../../../src/media/srtp/key-derivation.ts';
import { srtpLimits } from '../../../../src/media/srtp/limits.ts';
import { SrtpReceiver } from '../../../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../../../src/media/srtp/sender.ts';
import { freshKey, type SrtpKey, srtpSuiteNames } from '../../../../src/sdp/srtp-key.ts';

const payload = Buffer.from(Array.from({ length: 160 }, (_, i) => i));
const suite = 'AES_CM_128_HMAC_SHA1_80';

function plain(sequence: number, ssrc = 7): Buffer {
  const packet = Buffer.alloc(12 + payload.length);
  writeHeader(packet, 0, false, sequence & 0xffff, (sequence & 0xffff) * 160, ssrc);
  payload.copy(packet, 12);
  return packet;
}

/** A packet as the sender puts it on the wire. */
function sealed(sender: SrtpSender, sequence: number, ssrc = 7): Buffer {
  const packet = Buffer.concat([plain(sequence, ssrc), Buffer.alloc(sender.rtpExtraBytes)]);
  expect(sender.sealRtp(packet, 12 + payload.length)).toBe(packet.length);
  return packet;
}

/** A packet with an index of one's choice, made without any of the code under test but the session keys. */
function forged(key: SrtpKey, roc: number, sequence: number, ssrc = 7): Buffer {
  const keys = deriveKeys(key, 'rtp');
  const iv = Buffer.alloc(16);
  Buffer.from(keys.salt).copy(iv);
  const mask = Buffer.alloc(16);
  mask.writeUInt32BE(ssrc, 4);
  mask.writeUInt32BE(roc, 8);
  mask.writeUInt16BE(sequence, 12);
  for (let i = 0; i < 16; i++) iv[i] = iv[i]! ^ mask[i]!;
  const packet = plain(sequence, ssrc);
  const cipher = createCipheriv('aes-128-ctr', keys.encryption, iv);
  const body = Buffer.concat([packet.subarray(0, 12), cipher.update(packet.subarray(12))]);
  const counter = Buffer.alloc(4);
  counter.writeUInt32BE(roc);
  const tag = createHmac('sha1', keys.authentication).update(body).update(counter).digest();
  return Buffer.concat([body, tag.subarray(0, 10)]);
}

function opens(receiver: SrtpReceiver, packet: Buffer): boolean {
  const copy = Buffer.from(packet);
  const length = receiver.openRtp(copy);
  if (length === 0) return false;
  expect(copy.subarray(12, length).equals(payload)).toBe(true);
  return true;
}

function report(sender: SrtpSender, ssrc = 7): Buffer {
  const packet = Buffer.alloc(200);
  const length = writeReport(packet, { ssrc, cname: 'somebody', block: emptyBlock() });
  return packet.subarray(0, sender.sealRtcp(packet, length));
}

describe.each(srtpSuiteNames)('packets under %s', name => {
  const key = freshKey(name);

  it('come back as they were, and are not readable meanwhile', () => {
    const sender = new SrtpSender(key);
    const receiver = new SrtpReceiver(key);
    for (let sequence = 65_500; sequence < 65_600; sequence++) {
      const packet = sealed(sender, sequence);
      expect(packet.subarray(0, 12).equals(plain(sequence).subarray(0, 12))).toBe(true);
      expect(packet.includes(payload.subarray(0, 8))).toBe(false);
      expect(opens(receiver, packet)).toBe(true);
    }
    expect([receiver.unauthentic, receiver.replayed]).toEqual([0, 0]);
  });

  it('do not open when one bit of them is another, wherever it is, and are then left as they came', () => {
    const receiver = new SrtpReceiver(key);
    const packet = sealed(new SrtpSender(key), 100);
    for (let bit = 0; bit < packet.length * 8; bit += 5) {
      const changed = Buffer.from(packet);
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      const before = Buffer.from(changed);
      expect(receiver.openRtp(changed)).toBe(0);
      expect(changed.equals(before)).toBe(true);
    }
    expect(receiver.replayed).toBe(0);
    expect(opens(receiver, packet)).toBe(true);
  });

  it('keep contributing sources and an extension readable and whole', () => {
    const head = Buffer.from('92000001000000a00000000700000001000000020000000300000000'.slice(0, 40), 'hex');
    const extension = Buffer.from('bede0001aabbccdd', 'hex');
    const packet = Buffer.concat([head, extension, payload]);
    packet[0] = 0x92;
    const room = Buffer.concat([packet, Buffer.alloc(16)]);
    const length = new SrtpSender(key).sealRtp(room, packet.length);
    expect(room.subarray(0, 28).equals(packet.subarray(0, 28))).toBe(true);
    expect(room.subarray(28, 60).equals(packet.subarray(28, 60))).toBe(false);
    const wire = room.subarray(0, length);
    expect(new SrtpReceiver(key).openRtp(wire)).toBe(packet.length);
    expect(wire.subarray(0, packet.length).equals(packet)).toBe(true);
  });

  it('of RTCP come back as they were, once each, with the first index zero and the E flag', () => {
    const sender = new SrtpSender(key);
    const receiver = new SrtpReceiver(key);
    const first = report(sender);
    const indexAt = first.length - (name === 'AEAD_AES_128_GCM' ? 4 : 14);
    expect(first.readUInt32BE(indexAt)).toBe(0x8000_0000);
    expect(first.includes('somebody')).toBe(false);
    const copy = Buffer.from(first);
    const length = receiver.openRtcp(copy);
    expect(length).toBe(first.length - sender.rtcpExtraBytes);
    expect(copy.subarray(0, length).includes('somebody')).toBe(true);
    expect(receiver.openRtcp(Buffer.from(first))).toBe(0);
    expect(receiver.replayed).toBe(1);
    expect(report(sender).readUInt32BE(indexAt)).toBe(0x8000_0001);
  });

  it('of RTCP do not open when one bit of them is another', () => {
    const receiver = new SrtpReceiver(key);
    const packet = report(new SrtpSender(key));
    for (let bit = 0; bit < packet.length * 8; bit += 3) {
      const changed = Buffer.from(packet);
      changed[bit >> 3] = changed[bit >> 3]! ^ (1 << (bit & 7));
      expect(receiver.openRtcp(changed)).toBe(0);
    }
    expect(receiver.openRtcp(Buffer.from(packet))).toBeGreaterThan(0);
  });
});

describe('the receiver', () => {
  it('follows the counter over many wraps, with losses and with packets out of order', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    for (let index = 60_000; index < 5 * 65_536; index += 1 + (index % 97)) {
      const late = index - 40;
      expect(opens(receiver, forged(key, index >> 16, index & 0xffff))).toBe(true);
      if (late > 60_000 && late % 3 === 0) opens(receiver, forged(key, late >> 16, late & 0xffff));
    }
    expect(receiver.unauthentic).toBe(0);
  });

  it('goes on after 435 packets were lost across the wrap', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    for (let index = 65_000; index < 65_300; index++) opens(receiver, forged(key, 0, index));
    for (let index = 65_735; index < 66_000; index++) {
      expect(opens(receiver, forged(key, 1, index & 0xffff))).toBe(true);
    }
  });

  it.each([900, 1800])('goes on after %i s in which nothing of the peer came through', seconds => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    expect(opens(receiver, forged(key, 0, 1000))).toBe(true);
    const index = 1000 + seconds * 50;
    expect(opens(receiver, forged(key, index >> 16, index & 0xffff))).toBe(true);
    expect(opens(receiver, forged(key, (index + 1) >> 16, (index + 1) & 0xffff))).toBe(true);
  });

  it('takes each of 128 packets back once, and none before', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    const packets = Array.from({ length: 200 }, (_, i) => forged(key, 0, 100 + i));
    expect(opens(receiver, packets[199]!)).toBe(true);
    for (let i = 199 - srtpLimits.replayWindow + 1; i < 199; i++)
      expect(opens(receiver, packets[i]!)).toBe(true);
    expect(opens(receiver, packets[199 - srtpLimits.replayWindow]!)).toBe(false);
    for (const packet of packets) expect(opens(receiver, packet)).toBe(false);
    expect([receiver.replayed, receiver.unauthentic]).toEqual([201, 0]);
  });

  it('does not take a late packet for one that came 128 packets before it', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    for (const index of [100, 101, 200, 250, 228, 229])
      expect(opens(receiver, forged(key, 0, index))).toBe(true);
  });

  it('drops and counts 10,000 replayed and 10,000 wrong packets, and opens the next good one', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    const packets = Array.from({ length: 1000 }, (_, i) => forged(key, 0, i));
    for (const packet of packets) expect(opens(receiver, packet)).toBe(true);
    for (let round = 0; round < 10; round++) {
      for (const packet of packets) expect(opens(receiver, packet)).toBe(false);
    }
    expect([receiver.replayed, receiver.unauthentic]).toEqual([10_000, 0]);
    const other = freshKey(suite);
    for (let i = 0; i < 10_000; i++) expect(opens(receiver, forged(other, 0, 1000 + i))).toBe(false);
    expect(receiver.unauthentic).toBe(10_000);
    expect(opens(receiver, forged(key, 0, 1000))).toBe(true);
  });

  it('learns nothing from a packet that is not genuine: neither its source nor its counter', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    for (let ssrc = 0; ssrc < 500; ssrc++) {
      expect(receiver.openRtp(forged(freshKey(suite), 0, 40_000, ssrc))).toBe(0);
    }
    expect(opens(receiver, forged(key, 0, 5, 3))).toBe(true);
    expect(receiver.openRtp(forged(freshKey(suite), 0, 30_000, 3))).toBe(0);
    expect(opens(receiver, forged(key, 0, 6, 3))).toBe(true);
  });

  it('knows four sources at a time, lets a former one come back, and none of its packets a second time', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    const all = Array.from({ length: 6 }, (_, ssrc) => forged(key, 0, 10, ssrc));
    for (const packet of all) expect(opens(receiver, packet)).toBe(true);
    for (const packet of all) expect(opens(receiver, packet)).toBe(false);
    expect(opens(receiver, forged(key, 0, 9, 0))).toBe(false);
    expect(opens(receiver, forged(key, 0, 11, 0))).toBe(true);
    for (const old of [9, 10, 11]) expect(opens(receiver, forged(key, 0, old, 0))).toBe(false);
    expect(opens(receiver, forged(key, 0, 10, 1))).toBe(false);
  });

  it('has an end to how many sources it takes under one key', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    const most = srtpLimits.sources + srtpLimits.formerSources;
    for (let ssrc = 0; ssrc < most; ssrc++) expect(opens(receiver, forged(key, 0, 1, ssrc))).toBe(true);
    expect(opens(receiver, forged(key, 0, 1, most))).toBe(false);
    expect(opens(receiver, forged(key, 0, 2, most - 1))).toBe(true);
    expect(opens(receiver, forged(key, 0, 2, 0))).toBe(true);
  });

  it('opens packets of the former key until the first of the new one', () => {
    const [old, fresh] = [freshKey(suite), freshKey(suite)];
    const before = new SrtpReceiver(old);
    expect(opens(before, forged(old, 0, 10))).toBe(true);
    const receiver = new SrtpReceiver(fresh, before);
    expect(opens(receiver, forged(old, 0, 11))).toBe(true);
    expect(opens(receiver, forged(old, 0, 11))).toBe(false);
    expect(opens(receiver, forged(fresh, 0, 12))).toBe(true);
    expect(opens(receiver, forged(old, 0, 13))).toBe(false);
  });

  it.each([
    ['begins at zero', 0],
    ['goes on', 3],
  ])('finds out whether the counter of a known source %s under a new key', (_title, roc) => {
    const [old, fresh] = [freshKey(suite), freshKey(suite)];
    const before = new SrtpReceiver(old);
    for (let turn = 0; turn <= 3; turn++) {
      expect(opens(before, forged(old, turn, 1000))).toBe(true);
      expect(opens(before, forged(old, turn, 30_000))).toBe(true);
    }
    const receiver = new SrtpReceiver(fresh, before);
    expect(opens(receiver, forged(fresh, roc, 30_001))).toBe(true);
    expect(opens(receiver, forged(fresh, roc, 30_002))).toBe(true);
  });

  it.each([
    ['begins at zero', 0],
    ['goes on', 1],
  ])('finds out whether a counter %s that saw no packet under the key between', (_title, roc) => {
    const [a, b, c, d] = [freshKey(suite), freshKey(suite), freshKey(suite), freshKey(suite)];
    const first = new SrtpReceiver(a);
    for (const index of [40_000, 60_000, 70_000]) {
      expect(opens(first, forged(a, index >> 16, index & 0xffff))).toBe(true);
    }
    const last = new SrtpReceiver(d, new SrtpReceiver(c, new SrtpReceiver(b, first)));
    expect(opens(last, forged(d, roc, 70_001 & 0xffff))).toBe(true);
    expect(opens(last, forged(d, roc, 70_002 & 0xffff))).toBe(true);
    expect(opens(last, forged(c, roc, 70_003 & 0xffff))).toBe(false);
  });

  it('opens a source that has wrapped before there was a key, on its first packet', () => {
    const key = freshKey(suite);
    const receiver = new SrtpReceiver(key);
    expect(opens(receiver, forged(key, 1, 3))).toBe(true);
    expect(opens(receiver, forged(key, 1, 4))).toBe(true);
    expect(opens(receiver, forged(key, 0, 65_500))).toBe(true);
    expect(opens(new SrtpReceiver(key), forged(key, 2, 3))).toBe(false);
  });

  it('never opens RTP as RTCP, nor the other way round', () => {
    const key = freshKey(suite);
    const sender = new SrtpSender(key);
    expect(new SrtpReceiver(key).openRtcp(sealed(sender, 1))).toBe(0);
    expect(new SrtpReceiver(key).openRtp(report(sender))).toBe(0);
  });
});

describe('the sender', () => {
  it.each([
    ['the same sequence number', 500],
    ['an earlier one', 499],
    ['one that is more than half a turn further', 500 + 40_000],
  ])('throws rather than protect a second packet with %s', (_title, sequence) => {
    const sender = new SrtpSender(freshKey(suite));
    sealed(sender, 500);
    expect(() => sealed(sender, sequence)).toThrow('used twice');
  });

  it('throws rather than protect a second source', () => {
    const sender = new SrtpSender(freshKey(suite));
    sealed(sender, 500, 1);
    expect(() => sealed(sender, 501, 2)).toThrow('second source');
    expect(() => report(sender, 2)).toThrow('second source');
  });

  it('counts its wraps: the same sequence number is another packet a turn later', () => {
    const key = freshKey(suite);
    const sender = new SrtpSender(key);
    for (let index = 0; index <= 3 * 65_536; index += 16_384) {
      expect(sealed(sender, index).equals(forged(key, index >> 16, index & 0xffff))).toBe(true);
    }
  });
});
