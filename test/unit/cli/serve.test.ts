import { describe, expect, it } from 'vitest';
import { type RunningApp, serve } from '../../../src/cli/serve.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { Failure } from '../../../src/core/errors.ts';
import type { LogFields, Logger } from '../../../src/core/logger.ts';
import { silentLogger } from '../../../src/core/logger.ts';

const loaded = loadConfig({ env: { ELEVENLABS_API_KEY: 'k', ELEVENLABS_AGENT_ID: 'a' } });
if (!loaded.ok) throw new Error('the smallest configuration is refused');
const { config } = loaded.value;

/** An app that writes down what is done to it, with a drain that ends when told to. */
function world(close: () => Promise<void> = async () => undefined) {
  const done: string[] = [];
  const listening: LogFields[] = [];
  const errors: string[] = [];
  let drained: () => void = () => undefined;
  let send: ((signal: string) => void) | undefined;
  let hangUp: (() => void) | undefined;
  const log: Logger = {
    ...silentLogger,
    info: (message, fields = {}) => void (message === 'listening' && listening.push(fields)),
  };
  const app: RunningApp = {
    sip: [{ transport: 'tls', address: '::', port: 5061 }],
    http: { address: '127.0.0.1', port: 8080 },
    log,
    reload: async () => void done.push('reload'),
    drain: () => {
      done.push('drain');
      return new Promise(resolve => {
        drained = resolve;
      });
    },
    close: async () => {
      done.push('close');
      await close();
    },
  };
  const io = {
    onHangup: (listener: () => void) => {
      hangUp = listener;
      return () => {
        hangUp = undefined;
      };
    },
    err: (text: string) => void errors.push(text),
    onSignal: (listener: (signal: string) => void) => {
      send = listener;
      return () => {
        send = undefined;
      };
    },
  };
  return {
    app,
    io,
    done,
    listening,
    errors,
    signal: () => send?.('SIGTERM'),
    drained: () => drained(),
    hangUp: () => hangUp?.(),
    hearsHangUp: () => hangUp !== undefined,
    hears: () => send !== undefined,
  };
}

/** Lets everything that can go on without time passing go on. */
const settle = () => new Promise(resolve => setImmediate(resolve));

describe('serve', () => {
  it('tells every listener, drains at a signal, closes and ends with 0', async () => {
    const { app, io, done, listening, signal, drained, hears } = world();
    const code = serve(config, async () => app, io);
    await settle();
    expect(listening).toEqual([
      { for: 'sip tls', at: '[::]:5061' },
      { for: 'http', at: '127.0.0.1:8080' },
    ]);
    expect(done).toEqual([]);
    signal();
    await settle();
    expect(done).toEqual(['drain']);
    drained();
    expect(await code).toBe(0);
    expect(done).toEqual(['drain', 'close']);
    expect(hears()).toBe(false);
  });

  it('closes at a second signal without waiting for the calls, and ends with 1', async () => {
    const { app, io, done, signal } = world();
    const code = serve(config, async () => app, io);
    await settle();
    signal();
    await settle();
    signal();
    expect(await code).toBe(1);
    expect(done).toEqual(['drain', 'close']);
  });

  it('does not wait for closing either at a third', async () => {
    const { app, io, signal } = world(() => new Promise(() => undefined));
    const code = serve(config, async () => app, io);
    await settle();
    for (let i = 0; i < 3; i++) signal();
    expect(await code).toBe(1);
  });

  it('reloads at each SIGHUP, and does nothing about one that comes while it starts', async () => {
    const { app, io, done, signal, drained, hangUp, hearsHangUp } = world();
    let ready: (app: RunningApp) => void = () => undefined;
    const code = serve(config, () => new Promise<RunningApp>(resolve => (ready = resolve)), io);
    hangUp();
    expect([hearsHangUp(), done]).toEqual([true, []]);
    ready(app);
    await settle();
    hangUp();
    hangUp();
    expect(done).toEqual(['reload', 'reload']);
    signal();
    await settle();
    drained();
    expect(await code).toBe(0);
    expect(hearsHangUp()).toBe(false);
  });

  it('keeps a signal that comes while it starts', async () => {
    const { app, io, done, signal, drained } = world();
    let ready: (app: RunningApp) => void = () => undefined;
    const code = serve(config, () => new Promise<RunningApp>(resolve => (ready = resolve)), io);
    signal();
    ready(app);
    await settle();
    expect(done).toEqual(['drain']);
    drained();
    expect(await code).toBe(0);
  });

  it('ends with 1 and the sentence of the failure when it cannot start', async () => {
    const { io, errors, hears } = world();
    const start = async () => {
      throw new Failure(
        'http-listen',
        'HTTP cannot be listened for on 127.0.0.1 port 8080: another program listens there.',
      );
    };
    expect(await serve(config, start, io)).toBe(1);
    expect(errors).toEqual([
      'trunkbridge: HTTP cannot be listened for on 127.0.0.1 port 8080: another program listens there.',
    ]);
    expect(hears()).toBe(false);
  });
});
