import { describe, expect, it } from 'vitest';
import { withBridge } from '../support/flow.ts';

const yaml = `
elevenlabs:
  agent_id: agent_under_test
tools:
  default_country: DE
trunks:
  - name: london
    default_country: GB
    inbound_trunk_config: { allowed_addresses: [127.0.0.0/8] }
numbers:
  - phone_number: "(415) 555-1234"
    default_country: US
    agent_id: agent_under_test
`;

describe('numbers that come without their country', () => {
  it.each([
    ['their trunk', '02071234567', '02071230000', '020 7123 4567', '+442071234567', '+442071230000'],
    [
      'the number that is called',
      '4155550123',
      '4155551234',
      '(415) 555-0123',
      '+14155550123',
      '+14155551234',
    ],
  ])(
    'are of the country of %s: caller, called number and what the agent writes',
    (_of, from, to, said, caller, called) =>
      withBridge({ script: { mode: 'quiet' }, yaml }, async bridge => {
        const call = await bridge.answered({ from, to });
        const conversation = await bridge.world.agent.conversation(0);
        expect(conversation.initiation?.dynamic_variables).toMatchObject({
          caller_id: caller,
          called_number: called,
        });
        // The caller's own number, so that the code goes out with nothing else allowed.
        const sent = await conversation.callTool('send_SMS_verification', { To: said, Channel: 'sms' });
        expect(JSON.parse(sent.result)).toMatchObject({ status: 'pending' });
        expect(bridge.world.twilio.codeFor(caller)).toMatch(/^\d+$/);
        await call.hangup();
      }),
  );
});
