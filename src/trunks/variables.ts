import type { PartyFacts } from '../call/party.ts';

/** Variables that a conversation begins with. ElevenLabs keeps names beginning `system__` to itself: none is sent. */
export function dynamicVariables(party: PartyFacts): Record<string, string> {
  return { ...party.variables, ...identityVariables(party) };
}

/** Those that say who calls whom: nothing else may take their place. */
export function identityVariables(party: PartyFacts): Record<string, string> {
  return {
    caller_id: party.callerId,
    called_number: party.calledNumber,
    call_id: party.callId,
    ...(party.callSid === undefined ? {} : { call_sid: party.callSid }),
  };
}
