import { describe, expect, it } from 'vitest';
import { SrtpReceiver } from '../../../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../../../src/media/srtp/sender.ts';
import type { SrtpKey } from '../../../../src/sdp/srtp-key.ts';
import { freshMaster, Seal, sealSuite, tagBytes } from '../../../../src/sim/load/seal.ts';

const keyOf = (master: Buffer): SrtpKey => ({
  suite: sealSuite,
  key: master.subarray(0, 16),
  salt: master.subarray(16),
});

const plainBytes = 172;

function packet(sequence: number): Buffer {
  const bytes = Buffer.alloc(plainBytes + tagBytes, 0x55);
  bytes[0] = 0x80;
  bytes[1] = 0;
  bytes.writeUInt16BE(sequence & 0xffff, 2);
  bytes.writeUInt32BE((sequence * 160) >>> 0, 4);
  bytes.writeUInt32BE(0x1000_0007, 8);
  bytes.fill(0, plainBytes);
  return bytes;
}
const plain = (sequence: number) => packet(sequence).subarray(0, plainBytes);

/** Across the end of the sequence numbers. */
const sequences = [65_533, 65_534, 65_535, 65_536, 65_537, 65_538];

describe('the seal of the telephones', () => {
  it('is opened by the bridge, also after the sequence numbers began anew', () => {
    const master = freshMaster();
    const seal = new Seal(master);
    const bridge = new SrtpReceiver(keyOf(master));
    for (const sequence of sequences) {
      const sent = packet(sequence);
      seal.seal(sent, plainBytes);
      expect(sent.subarray(12, plainBytes)).not.toEqual(plain(sequence).subarray(12));
      expect(bridge.openRtp(sent)).toBe(plainBytes);
      expect(sent.subarray(0, plainBytes)).toEqual(plain(sequence));
    }
  });

  it('opens what the bridge protects, in whatever order it comes', () => {
    const master = freshMaster();
    const bridge = new SrtpSender(keyOf(master));
    const sealed = sequences.map(sequence => {
      const sent = packet(sequence);
      bridge.sealRtp(sent, plainBytes);
      return sent;
    });
    const seal = new Seal(master);
    for (const at of [0, 1, 3, 2, 4, 5]) expect(seal.open(sealed[at]!)).toEqual(plain(sequences[at]!));
  });

  it('opens nothing that was changed, cut off or made with another key', () => {
    const master = freshMaster();
    const sealed = () => {
      const sent = packet(1);
      new Seal(master).seal(sent, plainBytes);
      return sent;
    };
    const changed = sealed();
    changed[20] = changed[20]! ^ 1;
    expect(new Seal(master).open(sealed())).toEqual(plain(1));
    expect(new Seal(master).open(changed)).toBeUndefined();
    expect(new Seal(master).open(sealed().subarray(0, 15))).toBeUndefined();
    expect(new Seal(freshMaster()).open(sealed())).toBeUndefined();
  });

  it('refuses a key of another length', () => {
    expect(() => new Seal(Buffer.alloc(28))).toThrow('a key of 28 bytes');
  });
});
