import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type CallReport, placeCall } from '../support/outbound.ts';
import { requirePrograms } from '../support/programs.ts';

const available = requirePrograms('calls to SIPp', ['sipp']);

/** What the command says besides its log: outcome, sentence, reason. */
const told = ({ output }: CallReport) =>
  output
    .trim()
    .split('\n')
    .filter(line => !line.startsWith('{'))
    .at(-1) ?? '';
const logged = ({ output }: CallReport, msg: string) =>
  output
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Record<string, unknown>)
    .filter(line => line['msg'] === msg);

describe.skipIf(!available)('calls to SIPp over TCP', () => {
  it('are answered, heard by the agent from the answer on, and hung up by the one who was called', async () => {
    await placeCall({ callee: 'callee-answers', length: 2500 }, report => {
      expect(report.callee.code, report.callee.output).toBe(0);
      expect(told(report)).toBe('answered: The person who was called hung up. (callee-hung-up)');
      expect(report.code).toBe(0);
      const [conversation, ...others] = report.world.agent.conversations;
      expect(others).toEqual([]);
      expect(conversation?.violations).toEqual([]);
      expect(conversation?.initiation?.dynamic_variables).toMatchObject({
        caller_id: '+14155550199',
        called_number: '+14155550123',
      });
      expect(conversation?.audio().length).toBeGreaterThan(0);
      const [ended] = logged(report, 'call ended');
      expect(ended).toMatchObject({ answered: true, reason: 'callee-hung-up', codec: 'PCMU' });
      expect(Number(ended?.['packetsSent'])).toBeGreaterThan(60);
    });
  });

  it.each([
    ['486', 'busy', 'callee-busy'],
    ['600', 'busy', 'callee-busy'],
    ['480', 'no-answer', 'callee-no-answer'],
    ['603', 'declined', 'callee-declined'],
    ['302', 'failed', 'trunk-redirected'],
    ['404', 'failed', 'callee-not-found'],
    ['503', 'failed', 'trunk-refused'],
  ])('that get %s are told as %s', async (status, outcome, reason) => {
    await placeCall({ callee: 'callee-refuses', keys: () => ({ status }) }, report => {
      expect(report.callee.code, report.callee.output).toBe(0);
      expect(told(report)).toMatch(new RegExp(`^${outcome}: .*SIP ${status}.* \\(${reason}\\)$`));
      expect(report.code).toBe(1);
      const said = report.world.agent.conversations.map(({ initiation }) => initiation);
      expect(said.filter(initiation => initiation !== undefined)).toEqual([]);
    });
  });

  it('ring no longer than they may, and are cancelled', async () => {
    await placeCall({ callee: 'callee-rings', trunk: ['ring_seconds: 5'] }, report => {
      expect(report.callee.code, report.callee.output).toBe(0);
      // The agent's socket was open from the first ringing on, and nothing was said to it.
      expect(report.world.agent.conversations.map(({ initiation }) => initiation)).toEqual([undefined]);
      expect(told(report)).toMatch(/^no-answer: .*\(callee-no-answer\)$/);
    });
  });

  it('whose answer crosses the CANCEL are acknowledged and taken back', async () => {
    await placeCall({ callee: 'callee-crosses', trunk: ['ring_seconds: 5'] }, report => {
      expect(report.callee.code, report.callee.output).toBe(0);
      expect(told(report)).toMatch(/^no-answer: /);
    });
  });

  it('with early media go on over the answer', async () => {
    await placeCall({ callee: 'callee-early', length: 1000 }, report => {
      expect(report.callee.code, report.callee.output).toBe(0);
      expect(told(report)).toMatch(/^answered: /);
      expect(Number(logged(report, 'call ended')[0]?.['packetsSent'])).toBeGreaterThan(60);
    });
  });

  it('that two telephones answer go on with the first', async () => {
    await placeCall({ callee: 'callee-forks', length: 1000 }, report => {
      expect(report.callee.code, report.callee.output).toBe(0);
      expect(told(report)).toMatch(/^answered: .*\(callee-hung-up\)$/);
    });
  });

  const md5 = (text: string) => createHash('md5').update(text).digest('hex');
  const responseAt = (port: number) => {
    const uri = `sip:+14155550123@127.0.0.1:${port};transport=tcp`;
    return md5(`${md5('user:sip.example:secret')}:47364c23432d2e131a5fb210812c:${md5(`INVITE:${uri}`)}`);
  };

  it.each(['callee-challenges', 'callee-challenges-proxy'] as const)(
    'answer the MD5 challenge of %s',
    async callee => {
      const trunk = ['credentials:', '  username: user', '  password: secret'];
      const keys = (port: number) => ({ response: responseAt(port) });
      await placeCall({ callee, length: 500, trunk, keys }, report => {
        expect(report.callee.code, report.callee.output).toBe(0);
        expect(told(report)).toMatch(/^answered: /);
      });
    },
  );

  it('do not answer the challenge of a realm that is not the trunk’s', async () => {
    const trunk = ['credentials:', '  username: user', '  password: secret', '  realm: elsewhere.example'];
    await placeCall({ callee: 'callee-refuses', keys: () => ({ status: '407' }), trunk }, report => {
      expect(told(report)).toMatch(/^failed: .*\(trunk-unauthorized\)$/);
    });
  });

  it('are not made to a number whose prefix costs a fortune', async () => {
    await placeCall({ callee: 'none', to: '+19005550123' }, report => {
      expect(told(report)).toMatch(/^failed: .*\(number-not-allowed\)$/);
      expect(logged(report, 'call placed')).toEqual([]);
    });
  });
});
