import { describe, expect, it } from 'vitest';
import { ending } from '../../../../src/core/ending.ts';
import { fail, ok } from '../../../../src/core/errors.ts';
import { createToolbox } from '../../../../src/tools/toolbox.ts';
import type { TransferDestination } from '../../../../src/tools/transfer/destination.ts';
import { createTransferTool, transferToolLimits } from '../../../../src/tools/transfer/tools.ts';
import { FakeControl, toolContext } from '../../../support/fake-control.ts';
import { ManualClock } from '../../../support/manual-clock.ts';

const sales: TransferDestination = {
  name: 'Sales',
  destination: { kind: 'phone', number: '+14155550150' },
  transferType: 'conference',
  headers: [
    { type: 'static', key: 'X-Team', value: 'sales' },
    { type: 'dynamic', key: 'X-Caller', value: 'caller_id' },
    { type: 'dynamic', key: 'X-Order', value: 'sip_order' },
    { type: 'dynamic', key: 'X-None', value: 'sip_missing' },
  ],
  trunk: 'carrier',
  postDialDigits: 'ww1',
};
const desk: TransferDestination = {
  name: 'Front desk',
  destination: { kind: 'sip', uri: 'sip:100@pbx.example.com' },
  transferType: 'sip_refer',
  headers: [],
  uui: { data: 'abc', protocolDiscriminator: '04', mode: 'pd_parameter' },
};

function setUp(destinations: readonly TransferDestination[] = [sales, desk]) {
  const clock = new ManualClock();
  const control = new FakeControl();
  const box = createToolbox([createTransferTool({ destinations: () => destinations, defaultCountry: 'US' })]);
  const context = toolContext(clock, control, { variables: { sip_order: '4711' } });
  const run = async (parameters: unknown) => {
    const { result, isError } = await box.run(
      'transfer_to_number',
      parameters,
      context,
      new AbortController().signal,
    );
    return { ...(JSON.parse(result) as { status: string; message: string }), isError };
  };
  return { clock, control, run };
}

const settled = async () => {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
};

describe('transfer_to_number', () => {
  it.each([
    [{ transfer_number: '+1 415 555 0150' }],
    [{ transfer_number: '(415) 555-0150' }],
    [{ destination: 'sales' }],
    [{ transfer_number: 'SALES', client_message: 'One moment', agent_message: 'It is about an order' }],
    [{ transfer_number: '+14155550150', destination: 'Sales', reason: 'wants to buy' }],
  ])('finds a destination that is configured: %o', async parameters => {
    const { control, run } = setUp();
    const running = run(parameters);
    await settled();
    control.transferred(ok(undefined));
    expect(await running).toMatchObject({ status: 'transferred', isError: false });
    expect(control.transfers).toEqual([
      {
        way: 'bridge',
        target: {
          destination: sales.destination,
          headers: [
            { name: 'X-Team', value: 'sales' },
            { name: 'X-Caller', value: '+14155550123' },
            { name: 'X-Order', value: '4711' },
          ],
          trunk: 'carrier',
          postDialDigits: 'ww1',
        },
      },
    ]);
  });

  it('asks by REFER where that is configured, with User-to-User', async () => {
    const { control, run } = setUp();
    const running = run({ destination: 'front desk' });
    await settled();
    control.transferred(ok(undefined));
    await running;
    expect(control.transfers[0]).toMatchObject({
      way: 'refer',
      target: { destination: desk.destination, userToUser: '616263;encoding=hex;pd=04' },
    });
  });

  it.each([
    ['+19005550100'],
    ['+14155550151'],
    ['sip:evil@example.net'],
    ['sip:100@pbx.example.com;maddr=192.0.2.66'],
    ['+14155550150;ext=9'],
    ['tel:+14155550150,,9'],
    ['Sales\r\nRoute: <sip:evil>'],
  ])('transfers to nobody else: %s', async transfer_number => {
    const { control, run } = setUp();
    expect(await run({ transfer_number })).toMatchObject({ status: 'not_allowed' });
    expect(control.transfers).toEqual([]);
  });

  it('does nothing when number and name mean two destinations, or nothing is given', async () => {
    const { control, run } = setUp();
    expect((await run({ transfer_number: '+14155550150', destination: 'Front desk' })).status).toBe(
      'not_allowed',
    );
    expect(await run({ client_message: 'hello' })).toMatchObject({
      status: 'invalid_parameters',
      isError: true,
    });
    expect(control.transfers).toEqual([]);
  });

  it('says what there is, or that nothing is set up', async () => {
    expect((await setUp().run({ destination: 'Marketing' })).message).toContain(
      'There are: Sales, Front desk.',
    );
    expect((await setUp([]).run({ destination: 'Sales' })).message).toContain('No transfers are set up');
  });

  it('gives the agent its caller back with the reason', async () => {
    const { control, run } = setUp();
    const running = run({ destination: 'Sales' });
    await settled();
    control.transferred(fail(ending('callee-busy', 'SIP 486')));
    const { status, message } = await running;
    expect(status).toBe('callee_busy');
    expect(message).toContain('the caller is with you again. The number that was called is busy: SIP 486.');
  });

  it('answers in time when it rings for long, and tells the agent later that it failed', async () => {
    const { clock, control, run } = setUp();
    const running = run({ destination: 'Sales' });
    await settled();
    clock.advance(transferToolLimits.answerMs);
    expect(await running).toMatchObject({ status: 'transferring', isError: false });
    expect(control.asked).toEqual([]);
    control.transferred(fail(ending('callee-no-answer')));
    await settled();
    expect(control.asked).toEqual([
      'tell turn The transfer to Sales did not work, and the caller is with you again. Nobody answered at the number that was called.',
    ]);
  });

  it('says nothing more when a slow transfer works', async () => {
    const { clock, control, run } = setUp();
    const running = run({ destination: 'Sales' });
    await settled();
    clock.advance(transferToolLimits.answerMs);
    await running;
    control.transferred(ok(undefined));
    await settled();
    expect(control.asked).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});
