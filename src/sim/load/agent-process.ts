import { LoadAgent } from './agent.ts';
import { agentProgram, CompiledAgent } from './compiled-agent.ts';
import type { FromAgent, ToAgent } from './messages.ts';
import { Parent } from './parent.ts';
import { profiles } from './profile.ts';

type Order = Extract<ToAgent, { type: 'start' }>;

let agent: LoadAgent | CompiledAgent | undefined;

const parent = new Parent<ToAgent, FromAgent>(message => void hear(message));

async function hear(message: ToAgent): Promise<void> {
  if (message.type === 'mark') await agent?.mark();
  else if (message.type === 'start') await start(message);
  else if (agent !== undefined) parent.tell({ type: 'report', report: await agent.report() });
}

async function start(order: Order): Promise<void> {
  agent = await open(order);
  parent.tell({ type: 'started', baseUrl: agent.baseUrl, made: agent.made });
}

/** Compiled where that can be. */
function open({ profile: name, tls, silent = false }: Order): Promise<LoadAgent | CompiledAgent> {
  const profile = profiles[name];
  const options = { silent, ...(tls === undefined ? {} : { tls }) };
  const program = agentProgram({ tls: tls !== undefined });
  if ('why' in program) return LoadAgent.start(profile, { ...options, why: program.why });
  const onLost = (error: Error) => {
    // Without an agent nothing is measured: this process ends, and says why.
    throw error;
  };
  return CompiledAgent.start(profile, { ...options, path: program.path, onLost });
}
