import { Generator } from './generator.ts';
import type { FromGenerator, ToGenerator } from './messages.ts';
import { Parent } from './parent.ts';

let generator: Generator | undefined;
let guarded: number | undefined;

const parent = new Parent<ToGenerator, FromGenerator>(
  message => void hear(message),
  () => {
    // Its parent was killed: what that had started must not stay behind.
    if (guarded !== undefined) process.kill(guarded, 'SIGKILL');
  },
);
parent.tell({ type: 'ready' });

async function hear(message: ToGenerator): Promise<void> {
  switch (message.type) {
    case 'call':
      generator = await Generator.call(message);
      return tellUp(generator);
    case 'stream':
      generator = await Generator.stream(message);
      return tellUp(generator);
    case 'mark':
      return generator?.mark();
    case 'report':
      if (generator !== undefined) parent.tell({ type: 'report', report: await generator.report() });
      return;
    case 'hang-up':
      await generator?.hangUp();
      return parent.tell({ type: 'idle' });
    case 'guard':
      guarded = message.pid;
  }
}

function tellUp({ answered, failures, made }: Generator): void {
  parent.tell({ type: 'up', answered, failed: failures, made });
}
