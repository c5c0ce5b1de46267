import type { CallRegistry } from './call/registry.ts';
import { ToolDoor } from './call/tool-door.ts';
import type { Config } from './config/config.ts';
import { bridgeToken, bridgeTokenVariable, callOfToken } from './core/bridge-token.ts';
import type { CallKey } from './core/ids.ts';
import type { Logger } from './core/logger.ts';
import { createPublicHttp } from './http/public.ts';
import type { HttpServer } from './http/server.ts';
import type { StreamsRoom } from './streams-room.ts';
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
  streams: StreamsRoom,
  log: Logger,
): Promise<HttpServer | undefined> {
  const { publicListen } = config.http;
  const { tools } = config.secrets;
  if (publicListen === undefined) return undefined;
  return createPublicHttp({
    listen: publicListen,
    ...(tools === undefined ? {} : { tools: { secret: tools, door: toolDoor(tools, registry) } }),
    twilio: streams,
    streams: config.call.maxCalls,
    log,
  });
}

function toolDoor(secret: string, registry: CallRegistry): ToolDoor {
  return new ToolDoor({
    calls: () => registry.calls,
    callOf: token => callOfToken(secret, token),
    names: webhookToolNames,
  });
}
