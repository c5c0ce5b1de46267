import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { sine, ToneDetector } from '../../../codecs/tones.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { sound } from '../../../src/config/sounds.ts';
import { writeWav } from '../../support/wav.ts';

const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-sounds-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, rate: number): string {
  const samples = new Int16Array(rate / 2);
  sine(rate, 700, -10).generate(samples, 0, samples.length);
  const path = join(folder, name);
  writeFileSync(path, writeWav(samples, rate));
  return path;
}

const load = (yaml: string) =>
  loadConfig({
    path: 'test.yaml',
    read: () => yaml,
    env: { ELEVENLABS_API_KEY: 'key', ELEVENLABS_AGENT_ID: 'agent_1' },
  });

const transfers = `
trunks:
  - name: carrier
    inbound_trunk_config: { allowed_addresses: [127.0.0.0/8] }
    outbound_trunk_config: { address: 127.0.0.1, transport: tcp, from: "+14155550199" }
transfers:
  - { name: Reception, phone_number: "+14155550150" }
`;

describe('a sound in the configuration', () => {
  it.each([8000, 16_000, 24_000, 44_100])('of %i samples a second is there in both rates of codecs', rate => {
    const read = sound(file(`${rate}.wav`, rate));
    if (!read.ok || typeof read.value === 'string') throw new Error('it was not read');
    const { name, narrow, wide } = read.value;
    expect(name).toBe(`${rate}.wav`);
    expect(Math.abs(narrow.length - 4000)).toBeLessThan(200);
    expect(narrow.buffer).toBeInstanceOf(SharedArrayBuffer);
    expect(new ToneDetector(8000, 700).level(narrow, 400, 3200)).toBeCloseTo(-10, 0);
    expect(new ToneDetector(16_000, 700).level(wide, 800, 6400)).toBeCloseTo(-10, 0);
  });

  it('is refused when it is neither a name, nor a file, nor one that fits', () => {
    expect(sound('beep')).toEqual({ ok: true, value: 'beep' });
    expect(sound('boop')).toMatchObject({ failure: expect.stringContaining('must be one of ringback') });
    expect(sound(join(folder, 'none.wav'))).toMatchObject({ failure: expect.stringContaining('ENOENT') });
    expect(sound(file('odd.wav', 12_000))).toMatchObject({
      failure: expect.stringContaining('has 12000 samples'),
    });
  });
});

describe('what becomes of a caller whose agent is lost', () => {
  it('is reconnecting unless configured, and a number may have its own', () => {
    const loaded = load(
      `${transfers}numbers:\n  - { phone_number: "*", agent_id: a, survival: { policy: transfer, fallback: Reception }, waiting: { sound: working } }\n`,
    );
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
    expect(loaded.value.config.survival).toMatchObject({ policy: 'reconnect', reconnectMs: 10_000 });
    expect(loaded.value.config.waiting).toEqual({ afterMs: 1500, sound: undefined });
    expect(loaded.value.config.numbers[0]?.policy).toMatchObject({
      survival: { policy: 'transfer', fallback: 'Reception' },
      waiting: { sound: 'working' },
    });
  });

  it('is refused where the fallback is missing or names nobody', () => {
    expect(load('survival:\n  policy: transfer\n')).toMatchObject({
      failure: [{ where: 'survival.policy', what: expect.stringContaining('needs a fallback') }],
    });
    expect(load(`${transfers}survival:\n  fallback: Sales\n`)).toMatchObject({
      failure: [{ where: 'survival.fallback', what: expect.stringContaining('there are Reception') }],
    });
  });
});
