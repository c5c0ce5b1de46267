import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { CounterMode } from '../../src/media/srtp/counter-mode.ts';
import { GcmTransform } from '../../src/media/srtp/gcm-transform.ts';
import { HmacSha1 } from '../../src/media/srtp/hmac-sha1.ts';
import { deriveKeys } from '../../src/media/srtp/key-derivation.ts';
import { SrtpReceiver } from '../../src/media/srtp/receiver.ts';
import { SrtpSender } from '../../src/media/srtp/sender.ts';
import type { SrtpKey, SrtpSuite } from '../../src/sdp/srtp-key.ts';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s/g, ''), 'hex');
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const keyOf = (suite: SrtpSuite, key: string, salt: string): SrtpKey => ({
  suite,
  key: hex(key),
  salt: hex(salt),
});

/** A copy of the packet with room for everything that SRTP adds. */
function roomy(packet: string): { readonly bytes: Buffer; readonly length: number } {
  const plain = hex(packet);
  return { bytes: Buffer.concat([plain, Buffer.alloc(24)]), length: plain.length };
}

const key128 = keyOf(
  'AES_CM_128_HMAC_SHA1_80',
  'e1f97a0d3e018be0d64fa32c06de4139',
  '0ec675ad498afeebb6960b3aabe6',
);
const key256 = keyOf(
  'AES_256_CM_HMAC_SHA1_80',
  'f0f04914b513f2763a1b1fa130f10e2998f6f6e43e4309d1e622a0e332b9f1b6',
  '3b04803de51ee7c96423ab5b78d2',
);

describe('RFC 3711 appendix B', () => {
  it('B.2: the key stream of AES in counter mode', () => {
    const cipher = new CounterMode(
      hex('2b7e151628aed2a6abf7158809cf4f3c'),
      hex('f0f1f2f3f4f5f6f7f8f9fafbfcfd'),
    );
    const stream = Buffer.alloc(48);
    cipher.apply(stream, 0, 48, 0, 0, 0);
    expect(text(stream)).toBe(
      'e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0',
    );
  });

  it('B.3: the session keys of RTP', () => {
    const keys = deriveKeys(key128, 'rtp');
    expect(text(keys.encryption)).toBe('c61e7a93744f39ee10734afe3ff7a087');
    expect(text(keys.salt)).toBe('30cbbc08863d8c85d49db34a9ae1');
    // The first twenty of the 94 bytes that the appendix prints.
    expect(text(keys.authentication)).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4');
  });

  it('the session keys of RTCP from the same master key, as other stacks derive them', () => {
    const keys = deriveKeys(key128, 'rtcp');
    expect(text(keys.encryption)).toBe('4c1aa45a81f73d61c800bbb00fbb1eaa');
    expect(text(keys.authentication)).toBe('8d54534feb49ae8e7993a6bd0b844fc323a93dfd');
    expect(text(keys.salt)).toBe('9581c7ad87b3e530bf3e4454a8b3');
  });
});

describe('RFC 6188', () => {
  it('7.1: the key stream of AES-256 in counter mode', () => {
    const cipher = new CounterMode(
      hex('57f82fe3613fd170a85ec93c40b1f0922ec4cb0dc025b58272147cc438944a98'),
      hex('f0f1f2f3f4f5f6f7f8f9fafbfcfd'),
    );
    const stream = Buffer.alloc(48);
    cipher.apply(stream, 0, 48, 0, 0, 0);
    expect(text(stream)).toBe(
      '92bdd28a93c3f52511c677d08b5515a49da71b2378a854f67050756ded165bac63c4868b7096d88421b563b8c94c9a31',
    );
  });

  it('7.2: the session keys under AES_256_CM_PRF', () => {
    const keys = deriveKeys(key256, 'rtp');
    expect(text(keys.encryption)).toBe('5ba1064e30ec51613cad926c5a28ef731ec7fb397f70a960653caf06554cd8c4');
    expect(text(keys.salt)).toBe('fa31791685ca444a9e07c6c64e93');
    expect(text(keys.authentication)).toBe('fd9c32d39ed5fbb5a9dc96b30818454d1313dc05');
  });
});

describe('RFC 7714', () => {
  const transform = () =>
    new GcmTransform(hex('000102030405060708090a0b0c0d0e0f'), hex('517569642070726f2071756f'));
  const rtp =
    '8040f17b8041f8d35501a0b2 47616c6c696120657374206f6d6e69732064697669736120696e207061727465732074726573';
  const srtp =
    '8040f17b8041f8d35501a0b2f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833899d7f27beb16a9152cf765ee4390cce';
  const rtcp =
    '81c8000d4d6172734e5450314e545032525450200000042a0000e9304c756e61deadbeefdeadbeefdeadbeefdeadbeefdeadbeef';
  const srtcp =
    '81c8000d4d61727363e94885dcdab67ca727d7662f6b7e997ff5c0f76c06f32dc676a5f1730d6fda4ce09b4686303ded0bb9275bc84aa45896cf4d2fc5abf87245d9eade800005d4';

  it('16.1: an RTP packet under AEAD_AES_128_GCM, there and back', () => {
    const { bytes, length } = roomy(rtp);
    const end = transform().sealRtp(bytes, 12, length, 0x5501a0b2, 0, 0xf17b);
    expect(text(bytes.subarray(0, end))).toBe(srtp);
    expect(transform().openRtp(bytes, 12, end, 0x5501a0b2, 0, 0xf17b)).toBe(length);
    expect(text(bytes.subarray(0, length))).toBe(text(hex(rtp)));
  });

  it('17.1: an RTCP packet with index 0x5d4, there and back', () => {
    const { bytes, length } = roomy(rtcp);
    const end = transform().sealRtcp(bytes, length, 0x4d617273, 0x5d4);
    expect(text(bytes.subarray(0, end))).toBe(srtcp);
    expect(transform().openRtcp(bytes.subarray(0, end), end, 0x4d617273)).toBe(length);
    expect(text(bytes.subarray(0, length))).toBe(rtcp);
  });

  it('17.3: an RTCP packet that is only authenticated', () => {
    const packet = Buffer.concat([hex(rtcp), hex('841dd9683dd78ec92ae58790125f62b3'), hex('000005d4')]);
    expect(transform().openRtcp(packet, packet.length, 0x4d617273)).toBe(hex(rtcp).length);
    packet[10] = packet[10]! ^ 1;
    expect(transform().openRtcp(packet, packet.length, 0x4d617273)).toBe(-1);
  });
});

/** Packets as libsrtp's own tests have them, which other stacks are held to as well. */
describe('whole packets of libsrtp', () => {
  const gcmKey = keyOf('AEAD_AES_128_GCM', '000102030405060708090a0b0c0d0e0f', 'a0a1a2a3a4a5a6a7a8a9aaab');
  const rtp = `800f1234decafbadcafebabe${'ab'.repeat(16)}`;

  it.each([
    [key128, '4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb'],
    [key256, 'f1d9de17ff251ff1aa007774b0b4b40da08d9d9a5b3a55d8873b'],
    [gcmKey, 'c5002ede04cfdd2eb91159e0880aa06ed2976826f796b201df3131a127e8a392'],
  ] as const)('RTP $0.suite', (key, expected) => {
    const { bytes, length } = roomy(rtp);
    const end = new SrtpSender(key).sealRtp(bytes, length);
    expect(text(bytes.subarray(12, end))).toBe(expected);
    expect(new SrtpReceiver(key).openRtp(bytes.subarray(0, end))).toBe(length);
    expect(text(bytes.subarray(0, length))).toBe(rtp);
  });

  it.each([
    [key128, '7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798'],
    [gcmKey, 'c98b8b5df0392a55852b6c21ac8e7025c52c6fbea2b3b446ea31123ba88ce61e80000001'],
  ] as const)('RTCP $0.suite, with the index 1', (key, expected) => {
    const plain = `81c8000bcafebabe${'ab'.repeat(16)}`;
    const sender = new SrtpSender(key);
    const skipped = roomy(plain);
    sender.sealRtcp(skipped.bytes, skipped.length);
    const { bytes, length } = roomy(plain);
    const end = sender.sealRtcp(bytes, length);
    expect(text(bytes.subarray(8, end))).toBe(expected);
    expect(new SrtpReceiver(key).openRtcp(bytes.subarray(0, end))).toBe(length);
    expect(text(bytes.subarray(0, length))).toBe(plain);
  });
});

describe('HMAC-SHA1', () => {
  it.each([
    ['0b'.repeat(20), Buffer.from('Hi There'), 'b617318655057264e28bc0b6fb378c8ef146be00'],
    [
      text(Buffer.from('Jefe')),
      Buffer.from('what do ya want for nothing?'),
      'effcdf6ae5eb2fa2d27416d5f184df9c259a7c79',
    ],
    ['aa'.repeat(20), Buffer.alloc(50, 0xdd), '125d7342b9ac11cd91a39af48aa17b4f63f175d3'],
  ])('RFC 2202 with the key %s', (key, data, expected) => {
    const hmac = new HmacSha1(hex(key));
    hmac.compute(data, data.length);
    expect(text(hmac.digest)).toBe(expected);
  });

  it('agrees with node:crypto for every length of packet, with and without the rollover counter', () => {
    const key = randomBytes(20);
    const hmac = new HmacSha1(key);
    const packet = randomBytes(400);
    for (let length = 0; length <= packet.length; length++) {
      const data = packet.subarray(0, length);
      hmac.compute(packet, length);
      expect(text(hmac.digest)).toBe(createHmac('sha1', key).update(data).digest('hex'));
      hmac.compute(packet, length, 0xfedcba98);
      const word = hex('fedcba98');
      expect(text(hmac.digest)).toBe(createHmac('sha1', key).update(data).update(word).digest('hex'));
    }
  });
});
