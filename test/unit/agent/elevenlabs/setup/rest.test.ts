import { describe, expect, it } from 'vitest';
import { ElevenLabsRest, restLimits } from '../../../../../src/agent/elevenlabs/setup/rest.ts';

const key = 'sk_a_key_that_nobody_may_see';

function ask(answer: () => Response | Promise<Response>) {
  const sent: { url: string; init: RequestInit }[] = [];
  const rest = new ElevenLabsRest({
    baseUrl: 'https://api.example.com/',
    apiKey: key,
    fetch: (async (url: string, init: RequestInit) => {
      sent.push({ url, init });
      return answer();
    }) as typeof fetch,
  });
  return { rest, sent };
}

const json = (body: unknown, status = 200) => new Response(JSON.stringify(body), { status });

describe('requests to ElevenLabs', () => {
  it.each([
    [401, { detail: { status: 'invalid_api_key' } }, 'unauthorized', '401 invalid_api_key'],
    [403, {}, 'forbidden', '403'],
    [
      404,
      { detail: { status: 'agent_not_found', message: 'no +14155550123' } },
      'not-found',
      '404 agent_not_found',
    ],
    [
      422,
      { detail: [{ loc: ['body', 'tool_config', 'name'], msg: 'x' }] },
      'invalid',
      'body.tool_config.name',
    ],
    [429, {}, 'throttled', '429'],
    [500, 'text', 'failed', '500'],
  ])('give %i a code of its own', async (status, body, code, said) => {
    const { rest } = ask(() => json(body, status));
    const got = await rest.patch('/v1/x', { secret: 'value' });
    expect(got).toMatchObject({ ok: false, failure: { code } });
    const text = got.ok ? '' : got.failure.message;
    expect(text).toContain(said);
    expect(text).not.toMatch(/value|\+1415|sk_a/);
  });

  it('follow no redirect, which would carry the key away', async () => {
    const { rest, sent } = ask(
      () => new Response(null, { status: 302, headers: { location: 'https://evil.example' } }),
    );
    expect(await rest.get('/v1/x')).toMatchObject({ ok: false, failure: { code: 'failed' } });
    expect(sent[0]?.init.redirect).toBe('manual');
  });

  it('stop reading an answer that has no end', async () => {
    const chunk = new Uint8Array(1024 * 1024);
    let given = 0;
    const endless = new ReadableStream({
      pull(controller) {
        given++;
        controller.enqueue(chunk);
      },
    });
    const { rest } = ask(() => new Response(endless));
    expect(await rest.get('/v1/x')).toMatchObject({ ok: false, failure: { code: 'unreachable' } });
    expect(given * chunk.length).toBeLessThan(2 * restLimits.answerBytes);
  });

  it('say why nobody answered', async () => {
    const { rest } = ask(() =>
      Promise.reject(Object.assign(new Error('x'), { cause: { code: 'ECONNREFUSED' } })),
    );
    expect(await rest.get('/v1/x')).toMatchObject({
      failure: { code: 'unreachable', message: expect.stringContaining('ECONNREFUSED') },
    });
  });

  it('go over plain http to loopback alone', () => {
    const make = (baseUrl: string) => () => new ElevenLabsRest({ baseUrl, apiKey: key });
    expect(make('http://127.0.0.1:1')).not.toThrow();
    expect(make('http://api.example.com')).toThrow('https');
  });

  it('give up on a list whose pages never end', async () => {
    const { rest, sent } = ask(() => json({ tools: [], has_more: true, next_cursor: 'again' }));
    expect(await rest.list('/v1/convai/tools', 'tools')).toMatchObject({ ok: false });
    expect(sent).toHaveLength(restLimits.pages);
  });
});
