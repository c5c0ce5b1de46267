import { maskNumber } from '../core/mask.ts';
import type { VerifiedNumbers } from '../core/verified.ts';
import type { ToolTurn, Transcript, Turn } from './transcript.ts';

/** Most characters that a new conversation is told of the ones before it: as a variable, and as an update. */
export const resumptionLimits = { variable: 4_000, update: 12_000 } as const;

/** Variables of a conversation that is the first of its call: whoever uses them in a prompt finds them in each. */
export const firstVariables = {
  resumed: 'false',
  conversation_so_far: '',
  caller_verified: 'false',
} as const;

/** The same of a conversation that goes on with a call. */
export function resumedVariables(
  transcript: Transcript,
  verified: VerifiedNumbers,
): Record<keyof typeof firstVariables, string> {
  return {
    resumed: 'true',
    conversation_so_far: latest(lines(transcript), resumptionLimits.variable),
    caller_verified: verified.latest === undefined ? 'false' : 'true',
  };
}

/** What an agent is told that takes a call over: what was said, what was done, whether the caller is verified. */
export function resumption(transcript: Transcript, verified: VerifiedNumbers): string {
  const known = verified.latest;
  const said = latest(lines(transcript), resumptionLimits.update);
  return [
    'The connection broke off and was made again: you are in the middle of this call. Do not greet the caller anew.',
    known === undefined
      ? 'The caller has not verified a number with a code.'
      : `The caller has verified the number ${maskNumber(known.number)} with a code.`,
    said === '' ? 'Nothing that was said before is known.' : `What was said and done so far:\n${said}`,
  ].join('\n');
}

/** What an agent is told of a tool that was asked for by the conversation before it. */
export function lateAnswer(tool: string, status: string): string {
  return `The tool ${tool}, which was running when the connection broke off, has ended with the status ${status}.`;
}

/** Turns and tools in the order of time. */
function lines({ turns, tools }: Transcript): string[] {
  const all = [
    ...turns.map(turn => ({ atMs: turn.atMs, text: spoken(turn) })),
    ...tools.map(tool => ({ atMs: tool.atMs + tool.ms, text: ran(tool) })),
  ];
  return all.sort((a, b) => a.atMs - b.atMs).map(({ text }) => text);
}

function spoken({ role, message, medium, heardMs, unheardMs }: Turn): string {
  const who = role === 'agent' ? 'You' : medium === 'dtmf' ? 'Caller (keypad)' : 'Caller';
  if (message === undefined) return `${who}: (withheld: a code may have been said)`;
  if (heardMs === 0 && (unheardMs ?? 0) > 0) return `${who} (not heard by the caller): ${message}`;
  return `${who}: ${message}`;
}

function ran({ tool, status }: ToolTurn): string {
  return `Tool ${tool}: ${status}`;
}

/** The last lines that fit, whole ones. */
function latest(all: readonly string[], most: number): string {
  const kept: string[] = [];
  let length = 0;
  for (let at = all.length - 1; at >= 0; at--) {
    const line = all[at]!.slice(0, most);
    length += line.length + 1;
    if (length > most) break;
    kept.unshift(line);
  }
  return kept.join('\n');
}
