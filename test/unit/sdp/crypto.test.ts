import { describe, expect, it } from 'vitest';
import { cryptoAttribute, readCrypto } from '../../../src/sdp/crypto.ts';
import { freshKey, sameKey, srtpSuiteNames } from '../../../src/sdp/srtp-key.ts';

const key30 = 'd0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj';
const bytes = (count: number) => Buffer.alloc(count, 0x5a).toString('base64');
const read = (...values: string[]) => readCrypto(values.map(value => ({ name: 'crypto', value })));
const line = (rest: string) => `1 AES_CM_128_HMAC_SHA1_80 inline:${rest}`;

describe('a=crypto', () => {
  it.each(srtpSuiteNames)('of %s is read as it was written', suite => {
    const key = freshKey(suite);
    const [found, ...more] = readCrypto([cryptoAttribute('7', key)]);
    expect(more).toEqual([]);
    expect(found?.tag).toBe('7');
    expect(sameKey(found?.key, key)).toBe(true);
  });

  it('has key and salt of the lengths that the suite wants, and its own key each time', () => {
    const lengths = srtpSuiteNames.map(suite => {
      const { key, salt } = freshKey(suite);
      return [suite, key.length + salt.length];
    });
    expect(lengths).toEqual([
      ['AES_CM_128_HMAC_SHA1_80', 30],
      ['AES_CM_128_HMAC_SHA1_32', 30],
      ['AES_256_CM_HMAC_SHA1_80', 46],
      ['AES_256_CM_HMAC_SHA1_32', 46],
      ['AEAD_AES_128_GCM', 28],
    ]);
    expect(sameKey(freshKey('AEAD_AES_128_GCM'), freshKey('AEAD_AES_128_GCM'))).toBe(false);
  });

  it.each([
    ['as RFC 4568 shows it', line(key30)],
    ['with a lifetime as a power of two', line(`${key30}|2^20`)],
    ['with the longest lifetime', line(`${key30}|2^48`)],
    ['with a lifetime in packets', line(`${key30}|1048576`)],
    ['with a window of 64', `${line(key30)} WSH=64`],
    ['with the key derivation rate zero', `${line(key30)} KDR=0`],
    ['with parameters that may be passed over', `${line(key30)} -foo=1 -bar`],
    ['with padding', `1 AEAD_AES_128_GCM inline:${bytes(28)}`],
    ['with its padding left away', `1 AEAD_AES_128_GCM inline:${bytes(28).replace(/=/g, '')}`],
    ['with spaces around', ` ${line(key30)} `],
  ])('can be used %s', (_title, value) => {
    expect(read(value)).toHaveLength(1);
  });

  it.each([
    ['a suite that is not spoken', `1 F8_128_HMAC_SHA1_80 inline:${key30}`],
    ['a name of every object', `1 constructor inline:${key30}`],
    ['a key too short', line(bytes(29))],
    ['a key too long', line(bytes(31))],
    ['the key of another suite', `1 AES_256_CM_HMAC_SHA1_80 inline:${key30}`],
    ['no key', line('')],
    ['another key method', `1 AES_CM_128_HMAC_SHA1_80 uri:${key30}`],
    ['a key with junk in it', line(`${key30.slice(0, 20)}*${key30.slice(20)}`)],
    ['a key in two pieces', line(`${key30.slice(0, 20)} ${key30.slice(20)}`)],
    ['a master key identifier', line(`${key30}|1:4`)],
    ['a lifetime and a master key identifier', line(`${key30}|2^20|1:4`)],
    ['two keys', line(`${key30}|2^20|1:4;inline:${key30}|2^20|2:4`)],
    ['a lifetime beyond the suite', line(`${key30}|2^49`)],
    ['a lifetime of nothing', line(`${key30}|0`)],
    ['two lifetimes', line(`${key30}|2^20|2^21`)],
    ['no encryption of RTP', `${line(key30)} UNENCRYPTED_SRTP`],
    ['no encryption of RTCP', `${line(key30)} UNENCRYPTED_SRTCP`],
    ['no authentication', `${line(key30)} UNAUTHENTICATED_SRTP`],
    ['a key derivation rate', `${line(key30)} KDR=1`],
    ['a window that is too small', `${line(key30)} WSH=63`],
    ['forward error correction', `${line(key30)} FEC_ORDER=FEC_SRTP`],
    ['a parameter nobody knows', `${line(key30)} FOO=1`],
    ['a tag that is no number', `x AES_CM_128_HMAC_SHA1_80 inline:${key30}`],
    ['a tag that is too long', `1234567890 AES_CM_128_HMAC_SHA1_80 inline:${key30}`],
    ['nothing at all', ''],
  ])('cannot be used with %s', (_title, value) => {
    expect(read(value)).toEqual([]);
  });

  it('that can be used is found among those that cannot', () => {
    const lines = read(`1 F8_128_HMAC_SHA1_80 inline:${key30}`, `2 AES_CM_128_HMAC_SHA1_32 inline:${key30}`);
    expect(lines.map(({ tag, key }) => [tag, key.suite])).toEqual([['2', 'AES_CM_128_HMAC_SHA1_32']]);
  });

  it('with a tag that stands there twice makes all of them useless', () => {
    expect(read(line(key30), `1 AES_CM_128_HMAC_SHA1_32 inline:${key30}`)).toEqual([]);
  });
});
