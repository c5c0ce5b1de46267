import { describe, expect, it } from 'vitest';
import type { SimFault } from '../../src/sim/twilio/failures.ts';
import type { SimRequest } from '../../src/sim/twilio/server.ts';
import { twilioDocumentsPresent } from '../support/twilio-documents.ts';
import {
  caller,
  objections,
  other,
  sender,
  type TwilioStage,
  withTwilioStage,
} from '../support/twilio-stage.ts';
import { checkCase, prepareCheck, type ToolCase, toolCases } from '../support/twilio-tool-cases.ts';

/** The caller is one of the house, whose agent may do everything. */
const open = `
tools: { internal_numbers: ['${caller}'] }
sending: { messages_per_call: 100, messages_per_recipient_day: 100, money_per_call: 50, allowed_domains: [files.example] }
verify: { destinations: any, sends_per_call: 50 }
`;
/** The same without a message, a cent, or a code more than the one that is checked. */
const tight = `
tools: { internal_numbers: ['${caller}'] }
sending: { messages_per_call: 0, money_per_call: 0, allowed_domains: [files.example] }
verify: { destinations: any, sends_per_call: 1 }
`;
const writing = toolCases.filter(({ writes }) => writes);
const reading = toolCases.filter(({ writes }) => !writes);

type Row<T> = readonly [name: string, T];

/** Runs every case at once, as an agent may, and says by name what came of each. */
async function every<T>(cases: readonly ToolCase[], run: (each: ToolCase) => Promise<T>): Promise<Row<T>[]> {
  return Promise.all(cases.map(async each => [each.name, await run(each)] as const));
}

const asked = (stage: TwilioStage) => (each: ToolCase) => stage.ask(each.tool, each.parameters(stage));

/** What is to come of each case, so that all that are wrong are seen at once. */
const rows = <T>(cases: readonly ToolCase[], of: (each: ToolCase) => T): Row<T>[] =>
  cases.map(each => [each.name, of(each)]);

const requestsOf = ({ request: [method, path] }: ToolCase, stage: TwilioStage): SimRequest[] =>
  stage.requests().filter(came => came.method === method && came.path.includes(path));

/** From now on whatever the case asks of Twilio meets with that. */
const meets = ({ twilio }: TwilioStage, { request: [method, path] }: ToolCase, fault: SimFault, times = 1) =>
  twilio.failNext(fault, times, { method, path });

describe('each of the seven tools, from the agent over a call to Twilio and back', () => {
  it('does what it is asked when it may', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      await prepareCheck(stage);
      const answers = await every(toolCases, asked(stage));
      expect(answers).toMatchObject(rows(toolCases, ({ good }) => ({ isError: false, ...good })));
      for (const each of toolCases) {
        const [, , params] = each.request;
        const paramsSeen = requestsOf(each, stage).map(({ params: seen }) => seen);
        expect([each.name, paramsSeen]).toEqual([
          each.name,
          expect.arrayContaining([expect.objectContaining(params)]),
        ]);
      }
    }));

  it('sends nothing while the gate is shut, and still reads', () =>
    withTwilioStage({ yaml: `tools: { internal_numbers: ['${caller}'] }` }, async stage => {
      await prepareCheck(stage);
      const before = stage.requests().length;
      const refused = await every(writing, asked(stage));
      expect(refused).toMatchObject(
        rows(writing, ({ tool }) => ({
          isError: false,
          status: tool === 'twilio_verify_phone' ? 'not_allowed' : 'needs_human',
          message: expect.stringMatching(/person|own number/),
        })),
      );
      expect(stage.requests()).toHaveLength(before);
      const read = await every(reading, asked(stage));
      expect(read).toMatchObject(rows(reading, ({ good }) => ({ isError: false, ...good })));
    }));

  it('shows nothing of the account to a caller who is nobody in particular', () =>
    withTwilioStage({}, async stage => {
      const shut = reading.filter(each => each !== checkCase);
      const answers = await every(shut, asked(stage));
      expect(answers).toMatchObject(
        rows(shut, () => ({ isError: false, status: expect.stringMatching(/^not_(allowed|verified)$/) })),
      );
      expect(stage.requests()).toEqual([]);
    }));

  it('shows callers what is theirs once they have proved who they are', () =>
    withTwilioStage({}, async stage => {
      await prepareCheck(stage);
      const checked = await asked(stage)(checkCase);
      expect(checked).toMatchObject({ status: 'approved' });
      const own = (tool: string, parameters: Readonly<Record<string, unknown>>) =>
        stage.ask(tool, parameters);
      const mine = await own('twilio_search_messages', { action: 'search', from: caller });
      expect(mine).toMatchObject({ status: 'found' });
      const others = await own('twilio_search_messages', { action: 'search', from: other });
      expect(others).toMatchObject({ status: 'not_allowed' });
    }));

  it('does nothing that an operator has switched off for the tool, whoever calls', () =>
    withTwilioStage(
      { sends: true, yaml: `${open}tool_access: [{ tools: '*', tier: nobody }]\n` },
      async stage => {
        const shut = toolCases.filter(each => each !== checkCase);
        const answers = await every(shut, asked(stage));
        expect(answers).toMatchObject(rows(shut, () => ({ isError: false, status: 'not_allowed' })));
        expect(
          await stage.ask('twilio_verify_phone', { action: 'check_code', to: caller, code: '123456' }),
        ).toMatchObject({ valid: false });
        expect(stage.requests()).toEqual([]);
      },
    ));

  it('stays in its budget, and names the setting that limits it', () =>
    withTwilioStage({ sends: true, yaml: tight }, async stage => {
      await prepareCheck(stage);
      const before = stage.requests().length;
      const spending = toolCases.filter(({ writes, costs }) => writes || costs === true);
      const answers = await every(spending, asked(stage));
      expect(answers).toMatchObject(
        rows(spending, ({ costs }) => ({
          isError: false,
          status: 'over_budget',
          message: expect.stringContaining(
            costs === true ? 'sending.money_per_call' : 'sending.messages_per_call',
          ),
        })),
      );
      // Codes for the caller's own number have limits of their own.
      expect(
        await stage.ask('twilio_verify_phone', { action: 'send_code', to: caller, channel: 'call' }),
      ).toMatchObject({ status: 'max_sends_reached' });
      expect(stage.requests()).toHaveLength(before);
      // What costs nothing is not limited.
      const free = reading.filter(({ costs }) => costs === undefined);
      expect(await every(free, asked(stage))).toMatchObject(rows(free, ({ good }) => good));
    }));

  it('never again writes to who wants nothing of us', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      await stage.twilio.messages.receive({ from: other, to: sender, body: 'STOP' });
      const send = (body: string) => stage.ask('twilio_send_sms', { to: other, body });
      expect(await send('One.')).toMatchObject({ status: 'opted_out' });
      const requests = stage.requests().length;
      expect(await send('Two.')).toMatchObject({ status: 'opted_out' });
      expect([requests, stage.requests().length]).toEqual([1, 1]);
    }));

  it('says what is wrong with what it is given, by the name of the parameter, and asks nobody', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      for (const { name, tool, wrong } of toolCases) {
        expect(wrong, name).not.toEqual([]);
        for (const [parameters, message] of wrong) {
          const answer = await stage.ask(tool, parameters);
          expect([name, answer]).toMatchObject([name, { isError: true, status: 'invalid_parameters' }]);
          expect([name, answer['message']]).toEqual([name, expect.stringMatching(message)]);
        }
      }
      expect(stage.requests()).toEqual([]);
    }));

  it('hands on how long Twilio wants it to wait, and asks once', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      await prepareCheck(stage);
      for (const each of toolCases) {
        const before = requestsOf(each, stage).length;
        const over = meets(stage, each, { code: 20429, retryAfter: '7' }, 9);
        const answer = await asked(stage)(each);
        over();
        expect([each.name, answer]).toMatchObject([
          each.name,
          { isError: false, status: 'throttled', retry_after_s: 7 },
        ]);
        expect([each.name, requestsOf(each, stage).length - before]).toEqual([each.name, each.count ?? 1]);
      }
      // What was not processed was as good as never asked: the very same is done now.
      const answers = await every(toolCases, asked(stage));
      expect(answers).toMatchObject(rows(toolCases, ({ good }) => good));
    }));

  it('tries again by itself where Twilio names no long time', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      await prepareCheck(stage);
      for (const each of toolCases) meets(stage, each, { code: 20429 });
      const answers = await every(toolCases, asked(stage));
      expect(answers).toMatchObject(rows(toolCases, ({ good }) => good));
    }));

  it(
    'says that it is not known what became of it where Twilio is silent',
    () =>
      withTwilioStage({ sends: true, yaml: open }, async stage => {
        await prepareCheck(stage);
        for (const each of toolCases) meets(stage, each, { drop: 'silence' }, 9);
        const begun = performance.now();
        const answers = await every(toolCases, asked(stage));
        // ElevenLabs waits 20 s.
        expect(performance.now() - begun).toBeLessThan(20_000);
        expect(answers).toMatchObject(
          rows(toolCases, () => ({ isError: false, status: 'unavailable', message: expect.any(String) })),
        );
      }),
    40_000,
  );

  it('says what the agent can do about each failure of its own', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      await prepareCheck(stage);
      const others = toolCases.filter(each => each !== checkCase);
      for (const each of [...others, checkCase]) {
        expect(each.failing, each.name).not.toEqual([]);
        for (const [fault, status] of each.failing) {
          const over = meets(stage, each, fault, 9);
          const answer = await asked(stage)(each);
          over();
          expect([each.name, fault, answer]).toMatchObject([each.name, fault, { isError: false, status }]);
          expect(String(answer['message']).length).toBeGreaterThan(20);
        }
      }
    }));

  it('does not pretend that it was done where no answer of Twilio came', () =>
    withTwilioStage({ sends: true, yaml: open }, async stage => {
      await prepareCheck(stage);
      const noAnswers: readonly SimFault[] = [
        { drop: 'request' },
        { drop: 'answer' },
        { raw: '<html>bad gateway</html>', status: 502 },
        { raw: '<html>welcome</html>', status: 200 },
        { body: { unheard: 'of' }, status: 200 },
      ];
      for (const fault of noAnswers) {
        const overs = toolCases.map(each => meets(stage, each, fault, 9));
        const answers = await every(toolCases, asked(stage));
        for (const over of overs) over();
        expect([fault, answers]).toMatchObject([
          fault,
          rows(toolCases, () => ({ isError: false, status: 'unavailable' })),
        ]);
      }
    }));
});

describe.skipIf(!twilioDocumentsPresent)('beside the documents of Twilio (shared/twilio-openapi)', () => {
  it('all of these requests, and what the stand-in answered them, are as described', async () => {
    expect(await objections()).toEqual([]);
  });
});
