import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { systemClock } from '../core/clock.ts';
import { ending } from '../core/ending.ts';
import { newCallKey } from '../core/ids.ts';
import { silentLogger } from '../core/logger.ts';
import { dataKeyBytes } from '../core/seal.ts';
import { noMeters } from '../store/meters.ts';
import { openStore } from '../store/open.ts';

/** Calls that are told at once: the journal keeps only so many that it has not written. */
const batch = 1000;

export interface MadeRecords {
  readonly folder: string;
  readonly key: string;
}

/** A folder of data with records of so many calls, as the bridge itself writes them. */
export async function makeRecords(parent: string, count: number): Promise<MadeRecords> {
  const folder = join(parent, 'data');
  const key = randomBytes(dataKeyBytes);
  const store = await openStore({
    dataDir: folder,
    dataKeys: [key],
    keepDays: () => 30,
    announce: () => [],
    removeRecording: async () => undefined,
    clock: systemClock,
    log: silentLogger,
    meters: noMeters,
  });
  for (let made = 0; made < count; made++) {
    const call = newCallKey();
    store.journal.begin({
      key: call,
      direction: 'inbound',
      agentId: 'agent_bench',
      trunk: 'default',
      transport: 'tcp',
      sipCallId: `made-${made}@bench`,
      callId: `made-${made}`,
      callerId: '+14155550123',
      calledNumber: '+14155550199',
      callerTrusted: true,
      variables: { call_id: `made-${made}` },
    });
    const said = { role: 'agent', message: 'How can I help you today?', at: 1 } as const;
    store.journal.update(call, { answered: true, transcript: Array.from({ length: 10 }, () => said) });
    store.journal.finish(call, { end: ending('caller-hung-up'), seconds: made % 600 });
    if ((made + 1) % batch === 0) await store.flush();
  }
  await store.flush();
  await store.close();
  return { folder, key: key.toString('base64') };
}
