import { openFloor } from './floor.ts';
import type { FromFloor, ToFloor } from './messages.ts';
import { Parent } from './parent.ts';
import { profiles } from './profile.ts';

// In order, so that a CPU profile is written where one was asked for.
process.on('SIGTERM', () => process.exit(0));

const parent = new Parent<ToFloor, FromFloor>(({ calls, url, profile }) => void start(calls, url, profile));
parent.tell({ type: 'ready' });

async function start(calls: number, url: string, profile: ToFloor['profile']): Promise<void> {
  parent.tell({ type: 'up', ports: await openFloor(calls, url, profiles[profile]) });
}
