import { describe, expect, it } from 'vitest';
import { Failure, fail } from '../../../../src/core/errors.ts';
import { createHoldTool } from '../../../../src/tools/hold/tool.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const box = createToolbox([createHoldTool()]);

async function run(parameters: unknown, control = new FakeControl()) {
  const context = toolContext(new ManualClock(), control);
  const answer = await box.run('hold', parameters, context, new AbortController().signal);
  return { ...(JSON.parse(answer.result) as { status: string; message: string }), asked: control.asked };
}

describe('hold', () => {
  it.each([
    [true, 'held'],
    [false, 'resumed'],
    ['true', 'held'],
    ['false', 'resumed'],
  ])('on: %j is %s', async (on, status) => {
    expect(await run({ on })).toMatchObject({ status, asked: [`hold ${on}`] });
  });

  it.each([[undefined], ['maybe'], [1]])('refuses %j', async on => {
    expect(await run({ on })).toMatchObject({ status: 'invalid_parameters', asked: [] });
  });

  it('says who is where when the caller’s side refuses', async () => {
    const control = new FakeControl();
    control.outcome = fail(new Failure('refused', 'so says the test'));
    expect((await run({ on: true }, control)).message).toContain('still with you');
    expect((await run({ on: false }, control)).message).toContain('still on hold');
    control.outcome = fail(new Failure('unsupported', 'so says the test'));
    expect((await run({ on: true }, control)).message).toContain('cannot be held');
  });
});
