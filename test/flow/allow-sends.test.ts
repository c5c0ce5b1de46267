import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/cli.ts';
import { Series } from '../support/series.ts';
import { caller, other, type TwilioStage, withTwilioStage } from '../support/twilio-stage.ts';
import { until } from '../support/until.ts';

const adminKey = 'an-admin-key-of-a-flow-test';
const readKey = 'a-read-key-of-a-flow-test-00';
const linked = 'Your booking: https://elsewhere.example/b';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'trunkbridge-allow-sends-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const env = () => ({ DATA_DIR: folder, API_KEYS: `boss:admin:${adminKey},eyes:read:${readKey}` });

/** Runs the command as an operator does, beside the daemon. */
async function command(...args: readonly string[]): Promise<number> {
  const code = await runCli(['twilio', 'allow-sends', ...args], {
    env: { ELEVENLABS_API_KEY: 'a-key', ELEVENLABS_AGENT_ID: 'agent_1', DATA_DIR: folder },
    out: () => undefined,
    err: () => undefined,
    onSignal: () => () => undefined,
  });
  return code;
}

async function http({ bridge }: TwilioStage, path: string, body?: object, key = adminKey) {
  const { address, port } = bridge.app.http;
  const answer = await fetch(`http://${address}:${port}/v1/twilio/${path}`, {
    headers: { 'xi-api-key': key, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
  });
  return { status: answer.status, body: (await answer.json()) as Record<string, never> };
}

const text = (stage: TwilioStage, body: string, to = other) => stage.ask('twilio_send_sms', { to, body });
const sentTo = (stage: TwilioStage) =>
  stage
    .requests()
    .filter(({ method, path }) => method === 'POST' && path.endsWith('/Messages.json'))
    .map(({ params }) => params['To']);

describe('letting agents send', () => {
  it('is off until the command says so, holds at once in a call that is up, and is taken back', () =>
    withTwilioStage({ env: env() }, async stage => {
      expect(await text(stage, 'One.')).toMatchObject({ status: 'needs_human' });
      expect(await text(stage, 'One.', caller)).toMatchObject({ status: 'needs_human' });
      expect(await command('--confirm')).toBe(2);
      expect(await text(stage, 'One.')).toMatchObject({ status: 'needs_human' });
      expect(sentTo(stage)).toEqual([]);
      expect(await command('--confirm', '--reason', 'a flow test')).toBe(0);
      expect(await text(stage, 'One.')).toMatchObject({ status: 'queued' });
      expect(sentTo(stage)).toEqual([other]);
      expect(await command('--off')).toBe(0);
      expect(await text(stage, 'Two.')).toMatchObject({ status: 'needs_human' });
      expect(sentTo(stage)).toEqual([other]);
      const { body } = await http(stage, 'allow-sends');
      expect(body).toMatchObject({
        allowed: false,
        changes: [{ allowed: false }, { reason: 'a flow test' }],
      });
    }));

  it('is done by an admin over HTTP, and by nobody over the general switch', () =>
    withTwilioStage({ env: env() }, async stage => {
      const on = { allow: true, confirm: true, reason: 'a flow test' };
      expect((await http(stage, 'allow-sends', on, readKey)).status).toBe(403);
      expect(await text(stage, 'One.')).toMatchObject({ status: 'needs_human' });
      expect((await http(stage, 'allow-sends', on)).status).toBe(200);
      expect(await text(stage, 'One.')).toMatchObject({ status: 'queued' });
    }));
});

async function metrics({ bridge }: TwilioStage): Promise<Series> {
  const scraped = await bridge.http('/metrics', { headers: { 'xi-api-key': readKey } });
  return new Series(await scraped.text());
}

describe('a held message, over a live call', () => {
  it('is sent when an operator approves it, the agent is told, and the run is listed without the number', () =>
    withTwilioStage({ env: env() }, async stage => {
      await command('--confirm', '--reason', 'a flow test');
      expect(await text(stage, linked)).toMatchObject({ status: 'held' });
      expect(sentTo(stage)).toEqual([]);
      const [held] = (await http(stage, 'held')).body['held'] as unknown as Record<string, string>[];
      expect(held).toMatchObject({ recipient: other, text: linked, findings: ['link'] });
      const approved = await http(stage, `held/${held?.['id']}/approve`, { why: 'the link is ours' });
      expect(approved).toMatchObject({ status: 200, body: { status: 'queued' } });
      expect(sentTo(stage)).toEqual([other]);
      const told = () => stage.conversation.contextualUpdates.find(update => update.includes('was approved'));
      expect(await until(told, 'a contextual update')).not.toContain(other);
      const listed = await until(async () => {
        const { body } = await http(stage, 'executions?tool=twilio_send_sms', undefined, readKey);
        const runs = body['executions'] as unknown as Record<string, unknown>[];
        return runs.length >= 2 ? runs : undefined;
      }, 'the runs');
      expect(listed).toMatchObject([
        { action: 'approved', status: 'queued', request_id: expect.stringMatching(/^RQ/) },
        { status: 'held', tier: 'anyone' },
      ]);
      expect(JSON.stringify(listed)).not.toContain(other);
      const scraped = await metrics(stage);
      const decided = (gate: string, decision: string) =>
        scraped.sum('trunkbridge_gate_decisions_total', { gate, decision });
      expect([decided('content', 'hold'), decided('approved', 'pass'), decided('budget', 'pass')]).toEqual([
        1, 1, 1,
      ]);
      expect(stage.bridge.log('held send approved')).toMatchObject([
        { held: held?.['id'], status: 'queued', gates: expect.stringContaining('approved=pass') },
      ]);
    }));

  it('is not sent when an operator refuses it, which is listed and counted', () =>
    withTwilioStage({ env: env() }, async stage => {
      await command('--confirm', '--reason', 'a flow test');
      await text(stage, linked);
      const [held] = (await http(stage, 'held')).body['held'] as unknown as Record<string, string>[];
      const refused = await http(stage, `held/${held?.['id']}/refuse`, { why: 'not to this customer' });
      expect(refused.status).toBe(200);
      expect(sentTo(stage)).toEqual([]);
      const { body } = await http(stage, 'executions?status=refused', undefined, readKey);
      expect(body['executions']).toMatchObject([
        { action: 'refused', tool: 'twilio_send_sms', gates: [{ gate: 'approved', decision: 'refuse' }] },
      ]);
      expect(JSON.stringify(body)).not.toContain(other);
      const labels = { gate: 'approved', decision: 'refuse' };
      expect((await metrics(stage)).sum('trunkbridge_gate_decisions_total', labels)).toBe(1);
    }));
});
