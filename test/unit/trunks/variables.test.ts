import { describe, expect, it } from 'vitest';
import type { PartyFacts } from '../../../src/call/party.ts';
import { dynamicVariables } from '../../../src/trunks/variables.ts';

const party: PartyFacts = {
  callId: 'id-1',
  callerId: '+14155552671',
  calledNumber: '+4930901820',
  callerTrusted: true,
  trunk: 'default',
  variables: { sip_tier: 'gold' },
};

describe('the variables of a conversation', () => {
  it('are the numbers, the id and what the headers gave', () => {
    expect(dynamicVariables(party)).toEqual({
      caller_id: '+14155552671',
      called_number: '+4930901820',
      call_id: 'id-1',
      sip_tier: 'gold',
    });
  });

  it("have Twilio's id when there is one", () => {
    expect(dynamicVariables({ ...party, callSid: 'CA1' })).toMatchObject({ call_sid: 'CA1' });
  });

  it('have no name that ElevenLabs keeps to itself, and none that a header could have replaced', () => {
    const names = Object.keys(
      dynamicVariables({ ...party, variables: { sip_system__x: 'v', caller_id: 'forged' } }),
    );
    expect(names.filter(name => name.startsWith('system__'))).toEqual([]);
    expect(dynamicVariables({ ...party, variables: { caller_id: 'forged' } })['caller_id']).toBe(
      '+14155552671',
    );
  });
});
