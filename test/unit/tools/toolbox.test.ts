import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type LogFields, type Logger, silentLogger } from '../../../src/core/logger.ts';
import type { Tool, ToolContext } from '../../../src/tools/tool.ts';
import { createToolbox, defaultToolTimeoutMs } from '../../../src/tools/toolbox.ts';
import { someFacts } from '../../support/fake-call.ts';
import { toolContext } from '../../support/fake-control.ts';
import { ManualClock } from '../../support/manual-clock.ts';

const code = '739164';
const clock = new ManualClock();

interface Line {
  readonly message: string;
  readonly fields: LogFields | undefined;
}

function contextWith(lines: Line[] = []): ToolContext {
  const log: Logger = { ...silentLogger, error: (message, fields) => void lines.push({ message, fields }) };
  return { ...toolContext(clock), log };
}

const input = z.object({
  To: z.string().min(1),
  Kind: z.enum(['a', 'b']).optional(),
  Size: z.number().min(2).max(5).optional(),
});

function tool(run: Tool['run'], name = 'do_it'): Tool {
  return { name, description: 'Does it.', input, run };
}

const fine = tool(async () => ({ status: 'done', message: 'Done.' }));
const never = new AbortController().signal;

describe('a toolbox', () => {
  it('runs a tool with its parsed parameters and answers JSON text', async () => {
    const seen: unknown[] = [];
    const box = createToolbox([
      tool(async (given, context) => {
        seen.push(given, context.facts.callId);
        return { status: 'done', message: 'Done.', left: 2, absent: undefined };
      }),
    ]);
    const answer = await box.run('do_it', { To: 'x', extra: 1 }, contextWith(), never);
    expect(answer).toEqual({
      result: '{"status":"done","message":"Done.","left":2}',
      isError: false,
      status: 'done',
    });
    expect(seen).toEqual([{ To: 'x' }, someFacts.callId]);
  });

  it('answers an unknown name with an error that does not repeat it', async () => {
    const answer = await createToolbox([fine]).run('approved', {}, contextWith(), never);
    expect(answer).toMatchObject({ isError: true, status: 'unknown_tool' });
    expect(answer.result).not.toContain('approved');
  });

  it('refuses two tools of one name', () => {
    expect(() => createToolbox([fine, fine])).toThrow('same name');
  });

  it.each([
    [{}, 'Parameter To is missing.'],
    [{ To: '' }, 'Parameter To is missing.'],
    [{ To: null }, 'Parameter To is missing.'],
    [undefined, 'Parameter To is missing.'],
    [null, 'Parameter To is missing.'],
    [{ To: 7 }, 'Parameter To must be text in quotes.'],
    [{ To: 'x', Kind: code }, 'Parameter Kind must be one of a, b.'],
    [{ To: 'x', Size: 'x' }, 'Parameter Size must be of type number.'],
    [{ To: 'x', Size: 1 }, 'Parameter Size is too small or too short: at least 2.'],
    [{ To: 'x', Size: 9 }, 'Parameter Size is too large or too long: at most 5.'],
    [{ Kind: 'c' }, 'Parameter To is missing. Parameter Kind must be one of a, b.'],
    ['text', 'The parameters must be a JSON object.'],
    [[1], 'The parameters must be a JSON object.'],
  ])('answers %o with: %s', async (parameters, message) => {
    const answer = await createToolbox([fine]).run('do_it', parameters, contextWith(), never);
    expect(answer).toMatchObject({ isError: true, status: 'invalid_parameters' });
    expect(JSON.parse(answer.result)).toEqual({ status: 'invalid_parameters', message });
  });

  it.each([
    ['a rejection', async () => Promise.reject(new TypeError(`bad ${code}\n    at ${code}`))],
    [
      'an exception',
      () => {
        throw new TypeError(`bad ${code}`);
      },
    ],
    ['something that is no error', async () => Promise.reject(code)],
  ])('answers %s without its text, and logs only where it was', async (_, run) => {
    const lines: Line[] = [];
    const answer = await createToolbox([tool(run as Tool['run'])]).run(
      'do_it',
      { To: code },
      contextWith(lines),
      never,
    );
    expect(answer).toMatchObject({ isError: true, status: 'fault' });
    expect(lines).toHaveLength(1);
    expect(JSON.stringify([answer, lines])).not.toContain(code);
    expect(lines[0]).toMatchObject({ message: 'a tool threw', fields: { tool: 'do_it' } });
  });

  it('says where a tool threw', async () => {
    const lines: Line[] = [];
    const run = async () => Promise.reject(new RangeError('x'));
    await createToolbox([tool(run)]).run('do_it', { To: 'x' }, contextWith(lines), never);
    expect(lines[0]?.fields).toMatchObject({ error: 'RangeError' });
    expect(lines[0]?.fields?.['at']).toContain('toolbox.test.ts:');
  });

  it('gives up on a tool before ElevenLabs does, and tells the tool', async () => {
    let told: AbortSignal | undefined;
    const slow = tool((_, __, signal) => {
      told = signal;
      return new Promise(() => undefined);
    });
    const running = createToolbox([slow]).run('do_it', { To: 'x' }, contextWith(), never);
    expect(defaultToolTimeoutMs).toBeLessThan(20_000);
    clock.advance(defaultToolTimeoutMs - 1);
    expect(told?.aborted).toBe(false);
    clock.advance(1);
    const answer = await running;
    expect(answer).toMatchObject({ isError: true, status: 'timeout' });
    expect(answer.result).toContain('try once more');
    expect(told?.aborted).toBe(true);
    expect(clock.pending).toBe(0);
  });

  it('ends a tool with its call, and does not begin one after it', async () => {
    const abort = new AbortController();
    let runs = 0;
    const slow = tool(() => {
      runs += 1;
      return new Promise(() => undefined);
    });
    const box = createToolbox([slow], { timeoutMs: 50 });
    const running = box.run('do_it', { To: 'x' }, contextWith(), abort.signal);
    abort.abort();
    expect(await running).toMatchObject({ isError: true, status: 'aborted' });
    expect(await box.run('do_it', { To: 'x' }, contextWith(), abort.signal)).toMatchObject({
      status: 'aborted',
    });
    expect(runs).toBe(1);
    expect(clock.pending).toBe(0);
  });
});
