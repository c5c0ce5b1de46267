import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import { gatesOf } from './records.ts';
import type { Store } from './store/store.ts';
import { createHoldTool } from './tools/hold/tool.ts';
import { createKeypadTool } from './tools/keypad/tool.ts';
import type { Tool, Toolbox } from './tools/tool.ts';
import { createToolbox } from './tools/toolbox.ts';
import { createTransferTool } from './tools/transfer/tools.ts';
import { verifiedOnly } from './tools/verified-only.ts';
import { createVerifyTools } from './tools/verify/tools.ts';
import type { TwilioConnection } from './twilio/connection.ts';
import { verifyOf } from './twilio/verify.ts';

/** The tools that agents may use. `now` is the configuration at the moment; what tools count outlives the process. */
export function composeTools(
  config: Config,
  now: () => Config,
  store: Pick<Store, 'counters' | 'switches'>,
  connection: TwilioConnection,
  clock: Clock,
): Toolbox {
  const { defaultCountry } = config.tools;
  const tools = [
    ...createVerifyTools({
      verify: () => verifyOf(connection),
      gates: gatesOf(store.switches, () => now().tools),
      policy: () => now().verify,
      counters: store.counters,
      clock,
      defaultCountry,
    }),
    createTransferTool({ destinations: () => now().transfers, defaultCountry }),
    createKeypadTool(),
    createHoldTool(),
  ];
  const guarded = (tool: Tool) =>
    verifiedOnly(tool, defaultCountry, () => now().verify.requiredFor.includes(tool.name));
  return createToolbox(tools.map(guarded));
}
