import { describe, expect, it } from 'vitest';
import { type CallWithTools, ToolDoor } from '../../../src/call/tool-door.ts';
import type { CallKey } from '../../../src/core/ids.ts';

const answer = { result: '{"status":"pending"}', isError: false, status: 'pending' };

function setup(...numbers: (string | undefined)[]) {
  return setupIn(numbers.map(number => [number, undefined]));
}

function setupIn(of: readonly (readonly [number: string | undefined, country: string | undefined])[]) {
  const ran: string[] = [];
  const calls = of.map(
    ([trustedNumber, country], i): CallWithTools => ({
      key: `call_${i}` as CallKey,
      trustedNumber,
      country,
      useTool: async (name, parameters) => {
        ran.push(`call_${i} ${name} ${JSON.stringify(parameters)}`);
        return answer;
      },
    }),
  );
  const door = new ToolDoor({
    calls: () => calls,
    callOf: token => (token.startsWith('token_of_') ? (token.slice(9) as CallKey) : undefined),
    e164: (text, country) =>
      text.startsWith('+')
        ? text.replaceAll(' ', '')
        : country === undefined
          ? undefined
          : `+${country}${text}`,
    names: ['send'],
  });
  return { door, ran };
}

describe('the door for webhook tools', () => {
  it('runs a tool in the call that its token is of', async () => {
    const { door, ran } = setup('+1', '+2');
    expect(await door.run('send', { To: '+1' }, 'token_of_call_1')).toEqual({ ran: true, answer });
    expect(ran).toEqual(['call_1 send {"To":"+1"}']);
  });

  it('finds the only call of a number when there is no token', async () => {
    const { door, ran } = setup(undefined, '+2', '+3');
    expect(await door.run('send', { To: '+ 2' }, undefined)).toEqual({ ran: true, answer });
    expect(ran).toEqual(['call_1 send {"To":"+ 2"}']);
  });

  it("reads a number without a country as one of the call's", async () => {
    const { door, ran } = setupIn([
      ['+4420', '49'],
      ['+4920', '49'],
      ['+4421', '44'],
      ['+121', undefined],
    ]);
    expect(await door.run('send', { To: '20' }, undefined)).toEqual({ ran: true, answer });
    expect(await door.run('send', { To: '21' }, undefined)).toEqual({ ran: true, answer });
    expect(ran.map(line => line.slice(0, 6))).toEqual(['call_1', 'call_2']);
    expect(await door.run('send', { To: '22' }, undefined)).toEqual({ ran: false, why: 'which-call' });
  });

  it.each([
    ['a token that nobody made', 'send', { To: '+1' }, 'forged', 'wrong-token'],
    ['a token of a call that is over', 'send', { To: '+1' }, 'token_of_call_9', 'call-over'],
    ['a number that nobody calls from', 'send', { To: '+9' }, undefined, 'which-call'],
    ['a number that two call from', 'send', { To: '+2' }, undefined, 'which-call'],
    ['no number', 'send', {}, undefined, 'which-call'],
    ['a number that is none', 'send', { To: 'me' }, undefined, 'which-call'],
    ['another tool', 'hold', { on: true }, 'token_of_call_0', 'unknown-tool'],
  ])('runs nothing for %s', async (_what, name, parameters, token, why) => {
    const { door, ran } = setup('+1', '+2', '+2');
    expect(await door.run(name, parameters, token)).toEqual({ ran: false, why });
    expect(ran).toEqual([]);
  });
});
