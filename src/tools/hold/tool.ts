import { z } from 'zod';
import type { Tool } from '../tool.ts';

interface HoldInput {
  readonly on: boolean;
}

/** Agents write "true" as well as true. */
const flag = z.preprocess(
  value => (value === 'true' ? true : value === 'false' ? false : value),
  z.boolean(),
);

/** `hold`: puts the caller on hold, who hears silence, and takes the caller back. */
export function createHoldTool(): Tool {
  const tool: Tool<HoldInput> = {
    name: 'hold',
    description: 'Puts the caller on hold (on: true), who then hears nothing and is not heard, or ends that.',
    input: z.object({ on: flag }),
    async run({ on }, { control }) {
      const held = await control.hold(on);
      if (held.ok) {
        return on
          ? { status: 'held', message: 'The caller is on hold. Take the caller back with on: false.' }
          : { status: 'resumed', message: 'The caller is back.' };
      }
      const { code } = held.failure;
      const message =
        code === 'unsupported'
          ? 'This call cannot be held. Go on with it.'
          : `The caller's side did not take part. The caller is still ${on ? 'with you' : 'on hold; try once more'}.`;
      return { status: 'failed', cause: code, message };
    },
  };
  return tool as Tool;
}
