import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/core/clock.ts';
import { type LogFields, silentLogger } from '../../../src/core/logger.ts';
import { MediaMeters } from '../../../src/media/meters.ts';
import { WorkerStreams } from '../../../src/worker/worker-streams.ts';
import { freePort } from '../../support/ports.ts';

function streams(port: number) {
  const errors: LogFields[] = [];
  const made = new WorkerStreams({
    clock: systemClock,
    log: { ...silentLogger, error: (_message: string, fields: LogFields = {}) => void errors.push(fields) },
    meters: new MediaMeters(),
    tell: () => undefined,
    listen: { address: '127.0.0.1', port, worker: 2 },
  });
  return { made, errors };
}

describe('the address at which a worker takes streams itself', () => {
  it('is told with its door, by the number of the worker', async () => {
    const { made, errors } = streams(await freePort());
    expect(await made.door()).toMatchObject({ ok: true, value: { worker: 2 } });
    expect(errors).toEqual([]);
    made.stop();
  });

  it('is left out while something else has its port, which is told once, and tried again', async () => {
    const port = await freePort();
    const other = createServer();
    await new Promise<void>(resolve => other.listen(port, '127.0.0.1', resolve));
    const { made, errors } = streams(port);
    for (let i = 0; i < 2; i++) {
      const door = await made.door();
      expect(door.ok && door.value.worker).toBe(undefined);
      expect(door).toMatchObject({ ok: true, value: { port: expect.any(Number) } });
    }
    expect(errors).toMatchObject([{ port, error: expect.stringContaining('EADDRINUSE') }]);
    await new Promise(resolve => other.close(resolve));
    expect(await made.door()).toMatchObject({ ok: true, value: { worker: 2 } });
    made.stop();
  });
});
