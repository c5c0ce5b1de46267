import type { Config } from './config/config.ts';
import type { Clock } from './core/clock.ts';
import { twilioPaths } from './core/twilio-paths.ts';
import { gatesOf } from './records.ts';
import type { Store } from './store/store.ts';
import { createHoldTool } from './tools/hold/tool.ts';
import { createKeypadTool } from './tools/keypad/tool.ts';
import type { SentMessages } from './tools/messaging/sent-messages.ts';
import type { SendingGate } from './tools/sending/gate.ts';
import type { Tool, Toolbox } from './tools/tool.ts';
import { createToolbox } from './tools/toolbox.ts';
import { createTransferTool } from './tools/transfer/tools.ts';
import { createTwilioTools } from './tools/twilio-tools.ts';
import { verifiedOnly } from './tools/verified-only.ts';
import { createVerifyTools } from './tools/verify/tools.ts';
import type { TwilioConnection } from './twilio/connection.ts';
import { verifyOf } from './twilio/verify.ts';

export interface ToolingParts {
  readonly config: Config;
  /** The configuration at the moment. */
  readonly now: () => Config;
  /** What tools count outlives the process. */
  readonly store: Pick<Store, 'counters' | 'switches'>;
  readonly connection: TwilioConnection;
  /** What every send passes. */
  readonly gate: SendingGate;
  /** Which call sent which message. */
  readonly sent: SentMessages;
  readonly clock: Clock;
}

/** The tools that agents may use. */
export function composeTools({ config, now, store, connection, gate, sent, clock }: ToolingParts): Toolbox {
  const { defaultCountry } = config.tools;
  const tools = [
    ...createVerifyTools({
      verify: () => verifyOf(connection),
      gates: gatesOf(store.switches, () => now().tools),
      policy: () => now().verify,
      gate,
      senders: () => sendersOf(connection),
      counters: store.counters,
      clock,
      defaultCountry,
    }),
    createTransferTool({ destinations: () => now().transfers, defaultCountry }),
    createKeypadTool(),
    createHoldTool(),
    ...createTwilioTools({
      twilio: connection,
      gate,
      sent,
      statusCallback: () => messageStatusUrl(now(), connection),
      country: defaultCountry,
    }),
  ];
  const guarded = (tool: Tool) =>
    verifiedOnly(tool, defaultCountry, () => now().verify.requiredFor.includes(tool.name));
  return createToolbox(tools.map(guarded));
}

/** What we text from, as far as it is named: opt-outs hold for these. */
function sendersOf({ senders }: TwilioConnection): readonly string[] {
  const { phoneNumber, whatsAppNumber, messagingServiceSid } = senders;
  return [phoneNumber, whatsAppNumber, messagingServiceSid].filter(each => each !== undefined);
}

/** Where Twilio can tell us what became of a message: that needs a way to us, and the token that it signs with. */
export function messageStatusUrl({ http }: Config, connection: TwilioConnection): string | undefined {
  const reachable = http.publicUrl !== undefined && http.publicListen !== undefined;
  return reachable && connection.authToken() !== undefined
    ? `${http.publicUrl}${twilioPaths.messageStatus}`
    : undefined;
}
