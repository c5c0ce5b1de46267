import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { bossKey } from '../support/flow.ts';
import { twilioDocumentsPresent } from '../support/twilio-documents.ts';
import {
  objections,
  other,
  type TwilioStage,
  withTwilioBridge,
  withTwilioStage,
} from '../support/twilio-stage.ts';

/** What an operator has done; over HTTP, like `costsOf`. */
async function act({ bridge }: TwilioStage, action: string, given: object): Promise<Record<string, unknown>> {
  const answer = await bridge.http('/v1/twilio/actions', {
    method: 'POST',
    headers: { 'xi-api-key': bossKey, 'content-type': 'application/json' },
    body: JSON.stringify({ action, arguments: { to: other, ...given } }),
  });
  return (await answer.json()) as Record<string, unknown>;
}

const costsOf = async ({ bridge }: TwilioStage) => {
  const answer = await bridge.http('/v1/twilio/executions');
  const { executions } = (await answer.json()) as { readonly executions: unknown };
  const runs = executions as { readonly tool: string; readonly status: string; readonly cost: object }[];
  return runs.filter(({ cost }) => cost !== null).map(({ tool, cost }) => ({ tool, ...cost }));
};

describe('the price of what was sent', () => {
  it(
    'takes the place of its estimate in the list of executions and in the budgets, once Twilio tells it',
    () =>
      withTwilioStage({ sends: true, yaml: 'sending: { money_per_day: 0.015 }' }, async stage => {
        const { twilio } = stage;
        const text = (body: string) => stage.ask('twilio_send_sms', { to: other, body });
        const first = await text('Your table is ready.');
        await act(stage, 'sendSMS', { body: 'Your parcel is here.' });
        const call = await act(stage, 'makeCall', { twiml: '<Response/>' });
        for (const { sid, direction } of twilio.messages.all)
          if (direction === 'outbound-api') twilio.messages.charge(sid, { price: '-0.00010', unit: 'USD' });
        twilio.calls.charge(String(call['callSid']), { price: '-0.01300', unit: 'USD' });
        expect([first.status, (await text('Bring your friends.')).status]).toEqual(['queued', 'over_budget']);
        const usd = { currency: 'USD', estimated: true };
        expect(await costsOf(stage)).toEqual([
          { tool: 'makeCall', amount: '0.05', ...usd },
          { tool: 'sendSMS', amount: '0.012', ...usd },
          { tool: 'twilio_send_sms', amount: '0.012', ...usd },
        ]);
        const known = { currency: 'USD', estimated: false };
        await expect
          .poll(() => costsOf(stage), { timeout: 25_000, interval: 500 })
          .toEqual([
            { tool: 'makeCall', amount: '0.013', ...known },
            { tool: 'sendSMS', amount: '0.0001', ...known },
            { tool: 'twilio_send_sms', amount: '0.0001', ...known },
          ]);
        expect(stage.requests().filter(({ method }) => method === 'GET')).toHaveLength(3);
        // 0.0001 of 0.015 is used: there is room for another estimate of 0.012.
        expect((await text('Bring your family.')).status).toBe('queued');
      }),
    45_000,
  );

  it('is asked for after a restart, too', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-prices-'));
    const env = { DATA_DIR: folder, DATA_KEY: Buffer.alloc(32, 7).toString('base64') };
    let sid = '';
    try {
      await withTwilioStage({ env }, async stage => {
        sid = String((await act(stage, 'sendSMS', { body: 'Your table is ready.' }))['messageSid']);
      });
      await withTwilioBridge({ env }, async ({ world }) => {
        const paths = () => world.twilio.requests.map(({ method, path }) => `${method} ${path}`);
        await expect
          .poll(paths, { timeout: 20_000, interval: 500 })
          .toEqual([expect.stringMatching(new RegExp(`^GET .*/Messages/${sid}\\.json$`))]);
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe.skipIf(!twilioDocumentsPresent)('beside the documents of Twilio (shared/twilio-openapi)', () => {
  it('all of these requests, and what the stand-in answered them, are as described', async () => {
    expect(await objections()).toEqual([]);
  });
});
