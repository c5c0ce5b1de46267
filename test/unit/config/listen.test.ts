import { describe, expect, it } from 'vitest';
import { isLoopback, readHostPort, readSipListen } from '../../../src/config/listen.ts';

describe('an address that SIP is taken on', () => {
  it.each([
    ['tcp://0.0.0.0:5060', { transport: 'tcp', address: '0.0.0.0', port: 5060 }],
    ['tls://[::]:5061', { transport: 'tls', address: '::', port: 5061 }],
    ['tls://127.0.0.1', { transport: 'tls', address: '127.0.0.1', port: 5061 }],
    ['TCP://127.0.0.1:0', { transport: 'tcp', address: '127.0.0.1', port: 0 }],
  ])('%s is read', (text, expected) => {
    expect(readSipListen(text)).toEqual({ ok: true, value: expected });
  });

  it.each([
    'udp://0.0.0.0:5060',
    '0.0.0.0:5060',
    'tcp://pbx.example:5060',
    'tcp://::1:5060',
    'tcp://[127.0.0.1]:5060',
    'tcp://0.0.0.0:65536',
    'tcp://0.0.0.0:x',
    'tcp://0.0.0.0:5060/path',
    'ws://0.0.0.0:80',
    'tcp://',
  ])('is not %s', text => {
    expect(readSipListen(text).ok).toBe(false);
  });
});

it('an address needs a port where there is no default', () => {
  expect(readHostPort('127.0.0.1').ok).toBe(false);
  expect(readHostPort('127.0.0.1', 80)).toEqual({ ok: true, value: { address: '127.0.0.1', port: 80 } });
});

it.each([
  ['127.0.0.1', true],
  ['127.9.9.9', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['0.0.0.0', false],
  ['::', false],
  ['128.0.0.1', false],
  ['::ffff:10.0.0.1', false],
])('%s being loopback is %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});
