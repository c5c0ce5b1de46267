import { openFloor } from './floor.ts';
import type { FromFloor, ToFloor, ToHost } from './messages.ts';
import { Parent } from './parent.ts';
import { profiles } from './profile.ts';

// In order, so that a CPU profile is written where one was asked for.
process.on('SIGTERM', () => process.exit(0));

// What is watched besides is told to it on the same channel, and is not for it.
const parent = new Parent<ToFloor | ToHost, FromFloor>(message => {
  if (message.type === 'start') void start(message);
});
parent.tell({ type: 'ready' });

async function start({ calls, url, profile }: ToFloor): Promise<void> {
  parent.tell({ type: 'up', ports: await openFloor(calls, url, profiles[profile]) });
}
