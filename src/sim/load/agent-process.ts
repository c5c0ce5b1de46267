import { LoadAgent } from './agent.ts';
import type { FromAgent, ToAgent } from './messages.ts';
import { Parent } from './parent.ts';
import { profiles } from './profile.ts';

let agent: LoadAgent | undefined;

const parent = new Parent<ToAgent, FromAgent>(message => {
  if (message.type === 'mark') agent?.mark();
  else if (message.type === 'report' && agent !== undefined)
    parent.tell({ type: 'report', report: agent.report() });
  else if (message.type === 'start') void start(message);
});

async function start({ profile, ...options }: Extract<ToAgent, { type: 'start' }>): Promise<void> {
  agent = await LoadAgent.start(profiles[profile], options);
  parent.tell({ type: 'started', baseUrl: agent.baseUrl });
}
