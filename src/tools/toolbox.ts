import { deferred } from '../core/deferred.ts';
import { inCountryOfCall } from './call-country.ts';
import { complaint } from './parameters.ts';
import type { Tool, ToolAnswer, Toolbox, ToolContext, ToolResult } from './tool.ts';

export interface ToolboxOptions {
  /** Longest time a tool may take, ms; below the 20 s after which ElevenLabs stops waiting. */
  readonly timeoutMs?: number;
}

/** ElevenLabs waits 20 s for a client tool; the answer must be there before. */
export const defaultToolTimeoutMs = 15_000;

const failures = {
  unknown_tool: 'This bridge has no tool of that name.',
  timeout: 'That took too long and it is not known whether it was done. Wait a moment, then try once more.',
  aborted: 'The call ended before that was done.',
  fault: 'That failed because of a fault in this bridge. Do not try again; offer to hand over to a person.',
} as const;

/** The tools an agent may use, by name. Throws when two have the same name. */
export function createToolbox(tools: readonly Tool[], options: ToolboxOptions = {}): Toolbox {
  const byName = new Map(tools.map(tool => [tool.name, tool]));
  if (byName.size !== tools.length) throw new Error('Two tools have the same name');
  const timeoutMs = options.timeoutMs ?? defaultToolTimeoutMs;
  return {
    async run(name, parameters, context, signal) {
      const tool = byName.get(name);
      if (tool === undefined) return failed('unknown_tool');
      try {
        const given = inCountryOfCall(parameters ?? {}, context.facts.country);
        if (!given.ok) return answer(invalid(given.failure), true);
        const input = tool.input.safeParse(given.value);
        if (!input.success) return answer(invalid(complaint(input.error, given.value)), true);
        return await timed(tool, input.data, context, signal, timeoutMs);
      } catch (error) {
        // The text of what was thrown may quote a number or a code; its name and place may be known.
        context.log.error('a tool threw', { tool: tool.name, error: kindOf(error), at: placeOf(error) });
        return failed('fault');
      }
    },
  };
}

async function timed(
  tool: Tool,
  input: unknown,
  context: ToolContext,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<ToolAnswer> {
  if (signal.aborted) return failed('aborted');
  const late = new AbortController();
  const { promise: stopped, resolve: stop } = deferred<ToolAnswer>();
  const abandon = () => stop(failed('aborted'));
  const timer = context.clock.timer(timeoutMs, () => {
    stop(failed('timeout'));
    late.abort();
  });
  signal.addEventListener('abort', abandon, { once: true });
  try {
    const work = tool.run(input, context, AbortSignal.any([signal, late.signal]));
    return await Promise.race([stopped, work.then(result => answer(result, false))]);
  } finally {
    timer.cancel();
    signal.removeEventListener('abort', abandon);
  }
}

function answer({ gate, ...told }: ToolResult, isError: boolean): ToolAnswer {
  const { status } = told;
  return { result: JSON.stringify(told), isError, status, ...(gate === undefined ? {} : { gate }) };
}

const invalid = (message: string): ToolResult => ({ status: 'invalid_parameters', message });

const failed = (status: keyof typeof failures): ToolAnswer =>
  answer({ status, message: failures[status] }, true);

function kindOf(error: unknown): string {
  return error instanceof Error && /^\w{1,40}$/.test(error.name) ? error.name : typeof error;
}

/** The first places of the stack: lines of the file:line:column form only, so no line of a message gets in. */
function placeOf(error: unknown): string {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : [];
  return lines
    .filter(line => /^ {4}at [\w.<># ]*\(?[\w:/.@-]+:\d+:\d+\)?$/.test(line))
    .slice(0, 3)
    .map(line => line.trim())
    .join(' < ');
}
