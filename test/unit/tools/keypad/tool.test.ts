import { describe, expect, it } from 'vitest';
import { Failure, fail } from '../../../../src/core/errors.ts';
import { createKeypadTool } from '../../../../src/tools/keypad/tool.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const box = createToolbox([createKeypadTool()]);

async function run(parameters: unknown, control = new FakeControl()) {
  const context = toolContext(new ManualClock(), control);
  const answer = await box.run('play_keypad_touch_tone', parameters, context, new AbortController().signal);
  return { ...(JSON.parse(answer.result) as { status: string; message: string }), asked: control.asked };
}

describe('play_keypad_touch_tone', () => {
  it.each([
    ['0123456789*#', 'digits events 0123456789*#'],
    ['1w2W3', 'digits events 1w2W3'],
    ['555 01-00', 'digits events 5550100'],
  ])('presses %s', async (dtmf_tones, asked) => {
    expect(await run({ dtmf_tones })).toMatchObject({ status: 'played', asked: [asked] });
  });

  it('plays tones in the sound on wish', async () => {
    const { asked } = await run({ dtmf_tones: '1', use_out_of_band_dtmf: false });
    expect(asked).toEqual(['digits tones 1']);
  });

  it.each([[''], ['12x'], ['A'], ['1'.repeat(33)], ['W'.repeat(10)], [undefined], [12]])(
    'refuses %j and presses nothing',
    async dtmf_tones => {
      expect(await run({ dtmf_tones })).toMatchObject({ status: 'invalid_parameters', asked: [] });
    },
  );

  it('says when it cannot be done now', async () => {
    for (const code of ['busy', 'gone']) {
      const control = new FakeControl();
      control.outcome = fail(new Failure(code, 'so says the test'));
      expect((await run({ dtmf_tones: '1' }, control)).status).toBe(code);
    }
  });
});
