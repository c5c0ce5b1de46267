import { describe, expect, it } from 'vitest';
import { type CallWithTools, ToolDoor } from '../../../src/call/tool-door.ts';
import type { CallKey } from '../../../src/core/ids.ts';

const answer = { result: '{"status":"pending"}', isError: false, status: 'pending' };

function setup(calls = 2) {
  const ran: string[] = [];
  const up = Array.from(
    { length: calls },
    (_, i): CallWithTools => ({
      key: `call_${i}` as CallKey,
      useTool: async (name, parameters) => {
        ran.push(`call_${i} ${name} ${JSON.stringify(parameters)}`);
        return answer;
      },
    }),
  );
  const door = new ToolDoor({
    calls: () => up,
    callOf: token => (token.startsWith('token_of_') ? (token.slice(9) as CallKey) : undefined),
    names: ['send'],
  });
  return { door, ran };
}

describe('the door for webhook tools', () => {
  it('runs a tool in the call that its token is of', async () => {
    const { door, ran } = setup();
    expect(await door.run('send', { To: '+1' }, 'token_of_call_1')).toEqual({ ran: true, answer });
    expect(ran).toEqual(['call_1 send {"To":"+1"}']);
  });

  it('does not take the only call that is up for the one that is meant', async () => {
    const { door, ran } = setup(1);
    expect(await door.run('send', { To: '+1' }, undefined)).toEqual({ ran: false, why: 'which-call' });
    expect(ran).toEqual([]);
  });

  it.each([
    ['a token that nobody made', 'send', 'forged', 'wrong-token'],
    ['a token of a call that is over', 'send', 'token_of_call_9', 'call-over'],
    ['no token', 'send', undefined, 'which-call'],
    ['another tool', 'hold', 'token_of_call_0', 'unknown-tool'],
  ])('runs nothing for %s', async (_what, name, token, why) => {
    const { door, ran } = setup();
    expect(await door.run(name, { To: '+1' }, token)).toEqual({ ran: false, why });
    expect(ran).toEqual([]);
  });
});
