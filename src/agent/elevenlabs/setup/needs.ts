import type { AudioFormat } from '../../../core/audio.ts';
import { bridgeTokenVariable } from '../../../core/bridge-token.ts';

/** Sound of the telephone that an agent is set up for: G.711, or G.722 as well. */
export const audioKinds = ['narrowband', 'wideband'] as const;
export type AudioKind = (typeof audioKinds)[number];

/** One format for both directions. G.711 passes through as it is; wideband loses nothing of G.722. */
export const formatOf: Readonly<Record<AudioKind, AudioFormat>> = {
  narrowband: 'ulaw_8000',
  wideband: 'pcm_16000',
};

/** Client events that a bridge needs, with what happens without each. */
export const neededEvents: Readonly<Record<string, string>> = {
  conversation_initiation_metadata: 'the call is never answered',
  ping: 'the agent cannot tell whether the line still works',
  audio: 'the caller hears nothing',
  interruption: 'the agent talks on when the caller cuts in',
  client_tool_call: 'no tool of this bridge is ever run',
  agent_tool_response:
    'the bridge learns that the agent has hung up only when ElevenLabs closes the connection',
};

/** Client events that make a bridge better, likewise. */
export const usefulEvents: Readonly<Record<string, string>> = {
  user_transcript: 'records have no word of the caller, and a conversation that is begun anew knows none',
  agent_response: 'records have no word of the agent, and a conversation that is begun anew knows none',
  agent_response_correction: 'records hold what the agent meant to say, not what was heard of it',
};

/** System tools that a telephone agent needs. */
export const neededSystemTools: Readonly<
  Record<'end_call' | 'skip_turn', { readonly config: object; readonly without: string }>
> = {
  end_call: {
    config: {
      type: 'system',
      name: 'end_call',
      description: '',
      params: { system_tool_type: 'end_call' },
    },
    without: 'the agent cannot hang up',
  },
  skip_turn: {
    config: {
      type: 'system',
      name: 'skip_turn',
      description:
        'Use it when the caller asks for a moment, for instance to look for the text message with the code.',
      params: { system_tool_type: 'skip_turn' },
    },
    without: 'the agent cannot wait while the caller looks for a code',
  },
};

/** System tools that work on ElevenLabs' own telephony alone, and what takes their place. */
export const deadSystemTools: Readonly<Record<string, string>> = {
  transfer_to_number:
    'use the client tool transfer_to_number of this bridge (agent setup --more transfer_to_number) and `transfers` in its configuration',
  play_keypad_touch_tone:
    'use the client tool play_keypad_touch_tone of this bridge (agent setup --more play_keypad_touch_tone)',
};

/** Variables that ElevenLabs fills on its own telephony alone, and ours that hold the same. */
export const deadVariables: Readonly<Record<string, string>> = {
  system__caller_id: 'caller_id',
  system__called_number: 'called_number',
  system__call_sid: 'call_sid',
  system__call_id: 'call_id',
};

/** Variables that every call brings, or may bring. */
export const knownVariables: ReadonlySet<string> = new Set([
  'caller_id',
  'called_number',
  'call_id',
  'call_sid',
  'sip_uui_raw',
  'sip_uui_data',
  bridgeTokenVariable,
]);
