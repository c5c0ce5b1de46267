import { inspect } from 'node:util';
import { MessageChannel } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { KeyedDigits, newDigitsKey, sealDigits } from '../../../src/core/keyed-digits.ts';

const code = '739164';
const characters = () => new Uint8Array(Buffer.from(code));

/** Every way in which a value gets into a text without anybody meaning it to. */
const shown = (value: unknown) =>
  [
    inspect(value, { depth: 9, showHidden: true }),
    JSON.stringify(value),
    `${String(value)}`,
    JSON.stringify(Object.entries(value as object)),
    Buffer.from(JSON.stringify(value) ?? '').toString('base64'),
  ].join('\n');

const traces = [code, '37,33,39', '55,51,57', '37 33 39', Buffer.from(code).toString('base64')];

describe('keyed digits', () => {
  it('can be taken once, by the one who asks for them', () => {
    const digits = KeyedDigits.of(characters());
    expect(digits.take()).toBe(code);
    expect(digits.take()).toBe('');
  });

  it('show nothing in a log line, an error, a template or a serialisation', () => {
    const digits = KeyedDigits.of(characters());
    const text = [shown(digits), shown({ digits }), new Error(`${digits}`).stack, [digits].join()].join('\n');
    for (const trace of traces) expect(text).not.toContain(trace);
    expect(text).toContain('[keyed digits]');
    expect(digits.take()).toBe(code);
  });

  it('cross the threads sealed: neither message shows them, and the key is needed', async () => {
    const key = newDigitsKey();
    const { port1, port2 } = new MessageChannel();
    const heard: unknown[] = [];
    const two = new Promise<void>(resolve => {
      port2.on('message', message => heard.push(message) === 2 && resolve());
    });
    port1.postMessage({ type: 'secure', key });
    port1.postMessage({ type: 'keyed', digits: sealDigits(characters(), key) });
    await two;
    port1.close();
    for (const message of heard) for (const trace of traces) expect(shown(message)).not.toContain(trace);
    const [secure, keyed] = heard as [{ key: typeof key }, { digits: ReturnType<typeof sealDigits> }];
    expect(KeyedDigits.unseal(keyed.digits, secure.key).take()).toBe(code);
    expect(() => KeyedDigits.unseal(keyed.digits, newDigitsKey())).toThrow(/authenticate/);
  });

  it('are never sealed the same way twice', () => {
    const key = newDigitsKey();
    const [one, two] = [sealDigits(characters(), key), sealDigits(characters(), key)];
    expect(Buffer.from(one.sealed).equals(two.sealed)).toBe(false);
  });

  it('leave nothing behind when they are wiped', () => {
    const digits = KeyedDigits.of(characters());
    digits.wipe();
    expect(digits.take()).toBe('');
  });
});
