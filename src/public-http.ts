import type { CallRegistry } from './call/registry.ts';
import { ToolDoor } from './call/tool-door.ts';
import type { Config } from './config/config.ts';
import { bridgeToken, bridgeTokenVariable, callOfToken } from './core/bridge-token.ts';
import { toE164 } from './core/e164.ts';
import type { CallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { createPublicHttp } from './http/public.ts';
import type { HttpServer } from './http/server.ts';
import { twilioToolNames } from './tools/twilio-tools.ts';
import { verifyToolNames } from './tools/verify/tools.ts';

/** Tools that agents may reach as webhook tools. */
const webhookToolNames: readonly string[] = [...verifyToolNames, ...twilioToolNames];

/** What the agent of a call gets so that its webhook tools can say which call they are for. */
export function agentSecretsOf({ secrets }: Config): (call: CallKey) => Readonly<Record<string, string>> {
  const { tools } = secrets;
  return call => (tools === undefined ? {} : { [bridgeTokenVariable]: bridgeToken(tools, call) });
}

/** Starts what others reach from outside; undefined when PUBLIC_HTTP_LISTEN is not set. */
export async function startPublicHttp(
  config: Config,
  registry: CallRegistry,
  log: Logger,
): Promise<HttpServer | undefined> {
  const { publicListen } = config.http;
  const { tools } = config.secrets;
  if (publicListen === undefined || tools === undefined) return undefined;
  const door = new ToolDoor({
    calls: () => registry.calls,
    callOf: token => callOfToken(tools, token),
    e164(text) {
      const number = toE164(text, config.tools.defaultCountry);
      return number.ok ? number.value : undefined;
    },
    names: webhookToolNames,
  });
  return createPublicHttp({ listen: publicListen, toolsSecret: tools, door, log });
}
