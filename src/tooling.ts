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
import { TwilioClient } from './twilio/client.ts';
import { createVerify, type VerifyPort } from './twilio/verify.ts';

/** The tools that agents may use. `now` is the configuration at the moment; what tools count outlives the process. */
export function composeTools(
  config: Config,
  now: () => Config,
  store: Pick<Store, 'counters' | 'switches'>,
  clock: Clock,
): Toolbox {
  const { defaultCountry } = config.tools;
  const tools = [
    ...createVerifyTools({
      verify: composeVerify(config, clock),
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

function composeVerify(config: Config, clock: Clock): VerifyPort | undefined {
  const { twilio, secrets } = config;
  if (twilio?.verifyServiceSid === undefined || secrets.twilio === undefined) return undefined;
  const credentials =
    secrets.twilio.kind === 'key'
      ? { apiKeySid: secrets.twilio.keySid, apiKeySecret: secrets.twilio.keySecret }
      : { authToken: secrets.twilio.authToken };
  const client = TwilioClient.create({
    accountSid: twilio.accountSid,
    ...credentials,
    baseUrl: twilio.baseUrl,
    clock,
  });
  if (!client.ok) throw client.failure;
  return createVerify(client.value, twilio.verifyServiceSid);
}
