import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { sign } from '../../../src/webhooks/signature.ts';
import { root } from './document.ts';

const secret = 'wsec_0123456789abcdef';
const now = 1_700_000_000;
const body = '{"name":"Jürgen 🙂"}';
const good = sign(secret, body, now * 1000);

type Verify = (rawBody: string, header: string | undefined, secret: string, now: number) => boolean;

/** The example in Python, asked in a process of its own. */
const python: Verify = (rawBody, header, key, at) => {
  const script =
    'import sys, verify; print(verify.verify(sys.argv[1].encode(), sys.argv[2], sys.argv[3], float(sys.argv[4])))';
  const args = ['-B', '-c', script, rawBody, header ?? '', key, String(at)];
  const { stdout, stderr } = spawnSync('python3', args, {
    cwd: `${root}/examples/webhooks`,
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return stdout.trim() === 'True';
};
const hasPython = spawnSync('python3', ['--version']).status === 0;

const languages: readonly { name: string; skip: boolean; load: () => Promise<Verify> }[] = [
  {
    name: 'verify.mjs',
    skip: false,
    load: async () => {
      const url = new URL(`file://${root}/examples/webhooks/verify.mjs`).href;
      return ((await import(/* @vite-ignore */ url)) as { verify: Verify }).verify;
    },
  },
  { name: 'verify.py', skip: !hasPython, load: async () => python },
];

/** A process starts for each question in Python, ms. */
const askedInTime = 120_000;

describe('examples/webhooks', () => {
  for (const { name, skip, load } of languages) {
    const title = `${name} takes our signature, and no other body, secret, time or header`;
    it.skipIf(skip)(title, { timeout: askedInTime }, async () => {
      const verify = await load();
      expect(verify(body, good, secret, now)).toBe(true);
      expect(verify(body, good, secret, now + 299)).toBe(true);
      expect(verify(`${body} `, good, secret, now)).toBe(false);
      expect(verify(body, good, `${secret}x`, now)).toBe(false);
      expect(verify(body, good, secret, now + 301)).toBe(false);
      expect(verify(body, good.replace('v0=', 'v0=00'), secret, now)).toBe(false);
      expect(verify(body, '', secret, now)).toBe(false);
      expect(verify(body, `t=${now}`, secret, now)).toBe(false);
    });
  }

  it('trunkbridge.yaml is a configuration that can be used', () => {
    const env = { ELEVENLABS_API_KEY: 'a-key', WEBHOOK_SECRET: secret, CRM_TOKEN: 'token' };
    const loaded = loadConfig({ path: `${root}/examples/webhooks/trunkbridge.yaml`, env });
    expect(loaded).toMatchObject({
      ok: true,
      value: {
        notes: [],
        config: {
          webhooks: {
            initiation: { timeoutMs: 1500 },
            postCall: { events: ['call_ended', 'call_initiation_failure'] },
          },
          numbers: [
            { initiation: 'reject', clientData: { variables: { shop: 'Berlin' } } },
            { initiation: 'off' },
          ],
        },
      },
    });
  });
});
