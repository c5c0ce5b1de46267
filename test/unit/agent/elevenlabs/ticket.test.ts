import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { TicketOffice } from '../../../../src/agent/elevenlabs/ticket.ts';
import { deferred } from '../../../../src/core/deferred.ts';
import { silentLogger } from '../../../../src/core/logger.ts';
import { SimAgent } from '../../../../src/sim/agent/agent.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const apiKey = 'key-that-must-not-show';

describe('a signed url from the stand-in', () => {
  let agent: SimAgent;
  const office = (key: string) =>
    new TicketOffice({ baseUrl: agent.baseUrl, apiKey: key, timeoutMs: 5000, log: silentLogger });

  beforeAll(async () => {
    agent = await SimAgent.start({ apiKey });
  });
  afterAll(() => agent.close());

  it('names the agent and has a signature', async () => {
    const result = await office(apiKey).signedUrl('agent_echo');
    expect(result.ok).toBe(true);
    const url = new URL(result.ok ? result.value : '');
    expect(url.protocol).toBe('ws:');
    expect(url.searchParams.get('agent_id')).toBe('agent_echo');
    expect(url.searchParams.get('conversation_signature')).toMatch(/^sim_/);
  });

  it('is refused with agent-unauthorized for a wrong key', async () => {
    const result = await office('wrong').signedUrl('agent_echo');
    expect(result).toMatchObject({ ok: false, failure: { code: 'agent-unauthorized' } });
  });

  it('is refused with agent-not-found for an agent that does not exist, whatever its id is made of', async () => {
    const warn = vi.fn();
    const log = { ...silentLogger, warn };
    const there = new TicketOffice({ baseUrl: agent.baseUrl, apiKey, timeoutMs: 5000, log });
    const result = await there.signedUrl('agent/../&xi=?');
    expect(result).toMatchObject({ ok: false, failure: { code: 'agent-not-found' } });
    expect(warn.mock.lastCall?.[1]).toMatchObject({ agent: 'agent/../&xi=?', code: 'agent-not-found' });
  });
});

describe('a signed url from a service in trouble', () => {
  const closers: (() => void)[] = [];
  afterEach(() => closers.splice(0).forEach(close => void close()));

  async function answer(
    status: number,
    body: string,
    headers: Record<string, string> = {},
  ): Promise<TicketOffice> {
    const server = createServer((_, response) => response.writeHead(status, headers).end(body));
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closers.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const { port } = server.address() as AddressInfo;
    return new TicketOffice({
      baseUrl: `http://127.0.0.1:${port}`,
      apiKey,
      timeoutMs: 5000,
      log: silentLogger,
    });
  }

  const detail = (status: string) =>
    JSON.stringify({ detail: { status, message: `${apiKey} +14155550123` } });

  it.each<[number, string, string]>([
    [401, detail('invalid_api_key'), 'agent-unauthorized'],
    [403, detail('missing_permissions'), 'agent-unauthorized'],
    [401, detail('quota_exceeded'), 'agent-quota'],
    [402, '', 'agent-quota'],
    [404, '', 'agent-not-found'],
    [400, detail('agent_not_found'), 'agent-not-found'],
    [422, '{"detail":[]}', 'agent-request-error'],
    [429, detail('too_many_concurrent_requests'), 'agent-busy'],
    [500, '<html>', 'agent-unreachable'],
    [302, '', 'agent-unreachable'],
    [200, 'no json', 'agent-garbage'],
    [200, '{"signed_url":7}', 'agent-garbage'],
    [200, '{"signed_url":"ws://agent.example/x"}', 'agent-garbage'],
    [200, '{"signed_url":"https://agent.example/x"}', 'agent-garbage'],
    [200, JSON.stringify({ signed_url: `wss://x/${'y'.repeat(70_000)}` }), 'agent-unreachable'],
  ])('HTTP %i fails by what it says (%#)', async (status, body, code) => {
    const office = await answer(status, body);
    const result = await office.signedUrl('agent_x');
    expect(result).toMatchObject({ ok: false, failure: { code } });
    expect(JSON.stringify(result) + (result.ok ? '' : result.failure.message)).not.toMatch(
      /must-not-show|4155550123/,
    );
  });

  it('does not follow a redirect, which would carry the key along', async () => {
    const target = await SimAgent.start({ apiKey });
    const office = await answer(307, '', {
      location: `${target.baseUrl}/v1/convai/conversation/get-signed-url?agent_id=agent_echo`,
    });
    expect(await office.signedUrl('agent_echo')).toMatchObject({
      ok: false,
      failure: { code: 'agent-unreachable' },
    });
    expect(target.ticketRequests).toBe(0);
    await target.close();
  });

  it('is agent-unreachable when nothing listens', async () => {
    const office = await answer(200, '');
    for (const close of closers.splice(0)) close();
    const result = await office.signedUrl('agent_x');
    expect(result).toMatchObject({ ok: false, failure: { code: 'agent-unreachable' } });
    expect(result.ok ? '' : result.failure.message).toContain('ECONNREFUSED');
  });

  it('is agent-unreachable when the answer takes longer than the time-out', async () => {
    const clock = new ManualClock();
    const asked = deferred<void>();
    const server = createServer(() => asked.resolve());
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    closers.push(
      () => server.closeAllConnections(),
      () => server.close(),
    );
    const { port } = server.address() as AddressInfo;
    const baseUrl = `http://127.0.0.1:${port}`;
    const office = new TicketOffice({ baseUrl, apiKey, timeoutMs: 5000, log: silentLogger, clock });
    const result = office.signedUrl('agent_x');
    await asked.promise;
    clock.advance(5000);
    expect(await result).toMatchObject({ ok: false, failure: { code: 'agent-unreachable' } });
    expect(clock.pending).toBe(0);
  });

  it('is not asked for over plain http outside of this machine', () => {
    for (const baseUrl of [
      'http://agent.example',
      'http://127.0.0.1.example',
      'ftp://127.0.0.1',
      'http://10.0.0.1',
    ]) {
      expect(() => new TicketOffice({ baseUrl, apiKey, timeoutMs: 1, log: silentLogger })).toThrow('https');
    }
  });
});
