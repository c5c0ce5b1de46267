import { openFloor } from './floor.ts';
import type { FromFloor, ToFloor } from './messages.ts';
import { Parent } from './parent.ts';
import { profiles } from './profile.ts';

const parent = new Parent<ToFloor, FromFloor>(({ calls, url, profile }) => void start(calls, url, profile));
parent.tell({ type: 'ready' });

async function start(calls: number, url: string, profile: ToFloor['profile']): Promise<void> {
  parent.tell({ type: 'up', ports: await openFloor(calls, url, profiles[profile]) });
}
