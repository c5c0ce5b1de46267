import { existsSync } from 'node:fs';
import { join } from 'node:path';
import Libsql from 'libsql';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimCall } from '../../src/sim/caller/call.ts';
import { type Bridge, startBridge, withBridge } from '../support/flow.ts';
import { SmallDisk } from '../support/small-disk.ts';
import { heardFor, toneHeard } from '../support/sound.ts';
import { until } from '../support/until.ts';

const number = '+14155550123';
const agentHz = 1300;
const piiKey = 'a-key-to-hear-recordings';

const first = SmallDisk.mount('a daemon whose disk is full', 16);
first?.unmount();

let disk: SmallDisk;
beforeEach(() => {
  disk = SmallDisk.mount('a daemon whose disk is full', 16) as SmallDisk;
});
afterEach(() => disk.unmount());

const env = () => ({
  DATA_DIR: join(disk.folder, 'data'),
  API_KEYS: `test:read:a-key-to-read-metrics,ears:pii:${piiKey}`,
});

/**
 * Writes into the log of a database until it has no room in its file either, and keeps it from being begun anew until what is
 * returned is called: only then does a full disk refuse the very next write.
 */
function useUpLog(path: string): () => void {
  const reader = new Libsql(path);
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM calls').get();
  const writer = new Libsql(path);
  const rewrite = writer.prepare('UPDATE facts SET name = name');
  try {
    for (;;) rewrite.run();
  } catch (error) {
    expect((error as NodeJS.ErrnoException).code).toBe('SQLITE_FULL');
  }
  writer.close();
  return () => reader.close();
}

const recordingDownTo = (megabytes: number) => `recording: { enabled: true, min_free_mb: ${megabytes} }\n`;

/**
 * A daemon that records, and has all that it keeps on the small disk. Of calls that begin without a reload nobody watches how
 * much room is left: what ends their recordings is a write that fails.
 */
const onDisk = (body: (bridge: Bridge) => Promise<void>) =>
  withBridge(
    {
      script: { mode: 'quiet', outputFormat: 'ulaw_8000' },
      env: env(),
      yaml: recordingDownTo(0),
    },
    body,
  );

interface Talk {
  readonly call: SimCall;
  readonly id: string;
  send(): Promise<Record<string, unknown>>;
}

async function talk(bridge: Bridge, index: number): Promise<Talk> {
  const call = await bridge.answered({ headers: [['X-CALLER-ID', number]] });
  const conversation = await bridge.world.agent.conversation(index);
  await conversation.say(agentHz, 1000);
  await toneHeard(call, agentHz, 900);
  const send = async () => {
    const { result } = await conversation.callTool('send_SMS_verification', { To: number });
    return JSON.parse(result) as Record<string, unknown>;
  };
  return { call, id: conversation.conversationId, send };
}

interface Kept {
  readonly ending: { readonly reason: string } | null;
  readonly recording: { readonly end: { readonly reason: string }; readonly bytes: number } | null;
}

/** What the record says, once it tells of the end of the call. */
const recordOf = (bridge: Bridge, { id }: Talk) =>
  until(
    async () => {
      const answer = await bridge.http(`/v1/convai/conversations/${id}`);
      const { trunkbridge } = (await answer.json()) as { trunkbridge?: Kept };
      return trunkbridge !== undefined && trunkbridge.ending !== null && trunkbridge;
    },
    'the end of the call on record',
    20_000,
  );

const audioOf = (bridge: Bridge, { id }: Talk) =>
  bridge.http(`/v1/convai/conversations/${id}/audio`, { headers: { 'xi-api-key': piiKey } });

describe.skipIf(first === undefined)('a disk that is really full', () => {
  it(
    'ends the recording, lets no code be sent, and costs no call; records are written once there is room',
    () =>
      onDisk(async bridge => {
        const { twilio } = bridge.world;
        const during = await talk(bridge, 0);
        await heardFor(during.call, 3500);
        const recorded = await until(() => {
          // Somebody may give room back meanwhile.
          disk.fill();
          return bridge.log('recorded')[0];
        }, 'the recording to end');
        expect(recorded).toMatchObject({
          reason: 'recording-disk-full',
          why: expect.stringContaining('recording.folder'),
        });
        // What the recording gave up of itself is room again.
        disk.fill();
        const unlock = useUpLog(join(disk.folder, 'data', 'trunkbridge.db'));
        expect(await during.send()).toMatchObject({ status: 'unavailable', retry_after_s: 10 });
        expect(twilio.connections).toBe(0);
        const heardBefore = during.call.media.heard.ms;
        await heardFor(during.call, heardBefore + 500);
        // A call that comes while it is full is a call like any other, but for its recording, which is not even begun.
        await bridge.reload(recordingDownTo(1));
        const meanwhile = await talk(bridge, 1);
        for (const { call } of [during, meanwhile]) await call.hangup();
        for (const index of [0, 1]) expect((await bridge.ended(index)).reason).toBe('caller-hung-up');

        const refused = await until(
          () => bridge.log('store cannot be written').at(-1),
          'the store to say so',
        );
        expect(refused['error']).toBe(
          `the disk is full: make room in DATA_DIR (${join(disk.folder, 'data', 'trunkbridge.db')})`,
        );
        const series = await bridge.metrics();
        const over = (reason: string) => series.sum('trunkbridge_recordings_total', { result: 'us', reason });
        expect([over('recording-disk-full'), over('recording-disk-low')]).toEqual([1, 1]);
        expect(series.sum('trunkbridge_store_failures_total')).toBeGreaterThan(0);
        expect(series.sum('trunkbridge_calls_total', { reason: 'caller-hung-up' })).toBe(2);

        unlock();
        disk.clear();
        const [told, second] = [await recordOf(bridge, during), await recordOf(bridge, meanwhile)];
        expect([told, second]).toMatchObject([
          {
            ending: { reason: 'caller-hung-up' },
            recording: { end: { reason: 'recording-disk-full' } },
          },
          {
            ending: { reason: 'caller-hung-up' },
            recording: { end: { reason: 'recording-disk-low' }, bytes: 0 },
          },
        ]);
        expect(told.recording?.bytes).toBeGreaterThan(32_000);
        // The file is whole as far as it goes.
        const audio = await audioOf(bridge, during);
        expect(audio.status).toBe(200);
        expect((await audio.arrayBuffer()).byteLength).toBe((told.recording?.bytes ?? 0) + 44);
        expect((await audioOf(bridge, meanwhile)).status).toBe(404);
        const later = await bridge.metrics();
        expect(later.sum('trunkbridge_store_calls_total', { what: 'lost' })).toBe(0);
        const after = await talk(bridge, 2);
        expect(await after.send()).toMatchObject({ status: 'pending' });
        await after.call.hangup();
      }),
    60_000,
  );

  it('is what all that came of: with room the same call is recorded to its end, and its code is sent', () =>
    onDisk(async bridge => {
      const call = await talk(bridge, 0);
      await heardFor(call.call, 2000);
      expect(await call.send()).toMatchObject({ status: 'pending' });
      await call.call.hangup();
      expect(await recordOf(bridge, call)).toMatchObject({
        recording: { end: { reason: 'recording-complete' } },
      });
      expect(bridge.log('store cannot be written')).toEqual([]);
      expect((await bridge.metrics()).sum('trunkbridge_store_failures_total')).toBe(0);
    }));

  it('is named at a start, which leaves nothing half made and works once there is room', async () => {
    disk.fill();
    await expect(startBridge({ env: env() })).rejects.toThrow(/data\.key cannot be used: ENOSPC.*DATA_DIR/);
    expect(existsSync(join(disk.folder, 'data', 'data.key'))).toBe(false);
    disk.clear();
    await withBridge({ env: env() }, async () => {
      await expect(startBridge({ env: env() })).rejects.toThrow(/Another trunkbridge uses/);
    });
    disk.fill();
    await expect(startBridge({ env: env() })).rejects.toThrow(/the disk is full: make room in DATA_DIR/);
    disk.clear();
    await withBridge({ env: env() }, async bridge => {
      const call = await bridge.answered();
      await call.hangup();
    });
  });
});
