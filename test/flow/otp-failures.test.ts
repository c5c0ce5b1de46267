import { describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { SimConversation } from '../../src/sim/agent/conversation.ts';
import { type Bridge, type BridgeOptions, withBridge } from '../support/flow.ts';

const number = '+14155550123';
const stranger = '+14155550177';
const headers = [['X-CALLER-ID', number]] as const;
const anybody = 'verify:\n  destinations: any\n';

interface Answer {
  readonly isError: boolean;
  readonly status: string;
  readonly text: string;
  readonly [field: string]: unknown;
}

type Ask = (tool: 'send' | 'check' | (string & {}), parameters: Record<string, unknown>) => Promise<Answer>;

/** A call whose agent asks for tools as the test says. No answer may hold a code or a full number. */
function asking(options: BridgeOptions, body: (ask: Ask, bridge: Bridge) => Promise<void>, facts = headers) {
  return withBridge({ script: { mode: 'quiet' }, ...options }, async bridge => {
    const call = await bridge.answered({ headers: facts });
    const conversation = await bridge.world.agent.conversation(0);
    await body((tool, parameters) => answer(conversation, tool, parameters), bridge);
    await call.hangup();
  });
}

const names: Readonly<Record<string, string>> = {
  send: 'send_SMS_verification',
  check: 'check_SMS_verification',
};

async function answer(
  conversation: SimConversation,
  tool: string,
  parameters: Record<string, unknown>,
): Promise<Answer> {
  const { result, is_error: isError } = await conversation.callTool(names[tool] ?? tool, parameters);
  const fields = JSON.parse(result) as { status: string };
  expect(result).not.toMatch(/415\D{0,3}555\D{0,3}01/);
  if (fields.status !== 'approved') expect(result).not.toContain('approved');
  return { isError, text: result, ...fields };
}

const wrongFor = (code: string) => (code.startsWith('9') ? '000000' : '999999');

describe('a verification that does not work out', () => {
  it('counts wrong codes down and stops before Verify would refuse', () =>
    asking({}, async (ask, { world }) => {
      await ask('send', { To: number, Channel: 'sms' });
      const wrong = wrongFor(world.twilio.codeFor(number));
      const left: unknown[] = [];
      for (let i = 0; i < 4; i += 1) {
        const { status, attempts_left } = await ask('check', { To: number, Code: wrong });
        left.push([status, attempts_left]);
      }
      expect(left).toEqual([4, 3, 2, 1].map(n => ['pending', n]));
      const last = await ask('check', { To: number, Code: wrong });
      expect(last).toMatchObject({ status: 'max_attempts_reached', valid: false, isError: false });
      const requests = world.twilio.requests.length;
      const after = await ask('check', { To: number, Code: world.twilio.codeFor(number) });
      expect(after).toMatchObject({ status: 'max_attempts_reached', valid: false });
      expect(await ask('send', { To: number })).toMatchObject({ status: 'max_attempts_reached' });
      expect(world.twilio.requests).toHaveLength(requests);
    }));

  it('says expired when the code is older than it may be', () => {
    let later = 0;
    const clock = { ...systemClock, now: () => systemClock.now() + later };
    return asking({ twilio: { clock, lifeMs: 600_000 } }, async (ask, { world }) => {
      await ask('send', { To: number });
      const code = world.twilio.codeFor(number);
      later = 600_001;
      expect(await ask('check', { To: number, Code: code })).toMatchObject({
        status: 'expired',
        valid: false,
      });
    });
  });

  it('says throttled with the time that Twilio names when there were too many requests', () =>
    asking({}, async (ask, { world }) => {
      world.twilio.failNext({ code: 20429, retryAfter: '7' }, 5);
      expect(await ask('send', { To: number })).toMatchObject({
        status: 'throttled',
        retry_after_s: 7,
        isError: false,
      });
      expect(world.twilio.texts).toEqual([]);
    }));

  it.each([
    ['blocked', 60410],
    ['blocked', 60605],
    ['invalid_number', 60436],
    ['max_sends_reached', 60203],
    ['not_configured', 21608],
  ] as const)('says %s when Verify refuses the number with %i', (status, code) =>
    asking({}, async (ask, { world }) => {
      world.twilio.refuse(number, code);
      expect(await ask('send', { To: number })).toMatchObject({ status, valid: false, isError: false });
    }),
  );

  it('says unavailable when Twilio does not answer as it should', () =>
    asking({}, async (ask, { world }) => {
      world.twilio.failNext({ raw: '<html>bad gateway</html>', status: 502 }, 3);
      expect(await ask('send', { To: number })).toMatchObject({ status: 'unavailable', valid: false });
    }));

  it('says not_configured when no Verify service is set', () =>
    asking({ env: { TWILIO_VERIFY_SERVICE_SID: '' } }, async ask => {
      expect(await ask('send', { To: number })).toMatchObject({ status: 'not_configured' });
    }));
});

describe('a tool call that cannot be carried out', () => {
  const wrong = [
    ['a tool that is not there', 'delete_everything', {}, 'unknown_tool', /no tool/],
    ['no To', 'send', { Channel: 'sms' }, 'invalid_parameters', /Parameter To is missing/],
    ['no Code', 'check', { To: number }, 'invalid_parameters', /Parameter Code is missing/],
    ['a channel that is not there', 'send', { To: number, Channel: 'fax' }, 'invalid_parameters', /Channel/],
    ['a number that is none', 'send', { To: 'the usual one' }, 'invalid_parameters', /Parameter To/],
    ['a code that is none', 'check', { To: number, Code: 'abc' }, 'invalid_parameters', /Parameter Code/],
    ['a code that is a JSON number', 'check', { To: number, Code: 123456 }, 'invalid_parameters', /text/],
  ] as const;

  it('is an error that says what is wrong in words that name the parameter', () =>
    asking({}, async (ask, { world }) => {
      for (const [, tool, parameters, status, message] of wrong) {
        const got = await ask(tool, parameters);
        expect(got).toMatchObject({ isError: true, status });
        expect(got['message']).toMatch(message);
        expect(got.text).not.toMatch(/Error|zod|undefined|stack/);
      }
      expect(world.twilio.requests).toEqual([]);
    }));
});

describe('a code for a number that is not the caller’s own', () => {
  it('is not sent, and Twilio hears nothing', () =>
    asking({}, async (ask, { world }) => {
      expect(await ask('send', { To: stranger })).toMatchObject({ status: 'not_allowed', valid: false });
      expect(await ask('check', { To: stranger, Code: '123456' })).toMatchObject({ status: 'not_sent' });
      expect(world.twilio.requests).toEqual([]);
      expect(world.twilio.connections).toBe(0);
    }));

  it('is not sent to a caller whose number is withheld either', () =>
    asking(
      {},
      async (ask, { world }) => {
        expect(await ask('send', { To: number })).toMatchObject({ status: 'not_allowed' });
        expect(world.twilio.connections).toBe(0);
      },
      [...headers, ['Privacy', 'id']] as never,
    ));

  it('is sent once the operator allows autonomous sends', () =>
    asking({ sends: true, yaml: anybody }, async (ask, { world }) => {
      expect(await ask('send', { To: stranger })).toMatchObject({ status: 'pending' });
      expect(world.twilio.texts).toMatchObject([{ to: stranger, channel: 'sms' }]);
      const code = world.twilio.codeFor(stranger);
      expect(await ask('check', { To: stranger, Code: code })).toMatchObject({ status: 'approved' });
    }));

  it('is not sent while the kill switch is on, whatever else is allowed', () =>
    asking({ sends: true, yaml: `tools:\n  kill_switch: true\n${anybody}` }, async (ask, { world }) => {
      expect(await ask('send', { To: number })).toMatchObject({ status: 'not_allowed' });
      expect(world.twilio.connections).toBe(0);
    }));
});
