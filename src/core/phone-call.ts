/** What of a call says over which telephone it came; the record of a call has it. */
export interface PhoneCallFacts {
  readonly transport: string;
  readonly direction: 'inbound' | 'outbound';
  readonly trunk: string;
  readonly callId: string;
  readonly callSid?: string;
  readonly streamSid?: string;
  readonly sipCallId: string;
}

/** Numbers as whoever is told of the call may see them. */
export interface CallNumbers {
  readonly caller: string;
  readonly called: string;
}

/** Whether a call came over Twilio's media streams: then everything of ElevenLabs' says `twilio` where it says SIP otherwise. */
export const isStream = ({ transport }: Pick<PhoneCallFacts, 'transport'>): boolean => transport === 'stream';

/** ElevenLabs' word for what has begun a conversation. */
export const initiationSource = (call: Pick<PhoneCallFacts, 'transport'>): 'twilio' | 'sip_trunk' =>
  isStream(call) ? 'twilio' : 'sip_trunk';

/**
 * `metadata.phone_call` of a conversation, in ElevenLabs' shape for its Twilio numbers (`stream_sid` is empty while there was no
 * stream) and for its SIP trunks.
 */
export function phoneCall(call: PhoneCallFacts, { caller, called }: CallNumbers) {
  const inbound = call.direction === 'inbound';
  const common = {
    direction: call.direction,
    phone_number_id: call.trunk,
    agent_number: inbound ? called : caller,
    external_number: inbound ? caller : called,
  };
  return isStream(call)
    ? {
        type: 'twilio',
        ...common,
        stream_sid: call.streamSid ?? '',
        call_sid: call.callSid ?? call.callId,
      }
    : {
        type: 'sip_trunking',
        ...common,
        call_id: call.callId,
        call_sid: call.callSid ?? call.sipCallId,
      };
}
