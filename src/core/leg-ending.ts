import { type Ending, ending } from './ending.ts';
import type { Failure } from './errors.ts';

/** How a call ends whose leg could not be opened, or is gone. */
export function legEnding({ code }: Failure): Ending {
  return ending(code === 'no-ports' || code === 'no-descriptors' ? code : 'worker-lost');
}
