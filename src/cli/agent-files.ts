import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AgentTool } from '../agent/elevenlabs/setup/agent-view.ts';
import {
  type AudioKind,
  formatOf,
  neededEvents,
  neededSystemTools,
  usefulEvents,
} from '../agent/elevenlabs/setup/needs.ts';
import { mergedPrompt } from '../agent/elevenlabs/setup/prompt.ts';

/** An agent that has what a bridge needs and nothing else, as `conversation_config` of ElevenLabs. */
export function bareAgent(audio: AudioKind = 'narrowband') {
  const format = formatOf[audio];
  return {
    name: 'Trunkbridge',
    conversation_config: {
      asr: { user_input_audio_format: format },
      tts: { agent_output_audio_format: format },
      conversation: { client_events: [...Object.keys(neededEvents), ...Object.keys(usefulEvents)] },
      turn: { silence_end_call_timeout: -1 },
      agent: {
        prompt: {
          prompt: mergedPrompt(''),
          built_in_tools: Object.fromEntries(
            Object.entries(neededSystemTools).map(([name, { config }]) => [name, config]),
          ),
        },
      },
    },
  };
}

/**
 * Writes an agent and its tools as ElevenLabs' Agents CLI keeps them: `tool_configs` and `agent_configs` with the two lists
 * that name them. Gives the paths of the files; existing ones are written over.
 */
export function writeAgentFiles(
  folder: string,
  tools: readonly AgentTool[],
  audio: AudioKind | undefined,
): string[] {
  for (const name of ['tool_configs', 'agent_configs']) mkdirSync(join(folder, name), { recursive: true });
  const written: string[] = [];
  const write = (path: string, content: object) => {
    writeFileSync(join(folder, path), `${JSON.stringify(content, null, 2)}\n`);
    written.push(join(folder, path));
  };
  for (const tool of tools) write(`tool_configs/${tool.name}.json`, tool);
  write('tools.json', {
    tools: tools.map(({ type, name }) => ({ type, config: `tool_configs/${name}.json` })),
  });
  write('agent_configs/trunkbridge.json', bareAgent(audio));
  write('agents.json', { agents: [{ config: 'agent_configs/trunkbridge.json' }] });
  return written;
}
