import type { SimCall } from '../../src/sim/caller/call.ts';
import type { Message } from '../../src/sim/caller/message.ts';

/** Sends an offer inside of the call, and gives the final response. */
export function reinvite(call: SimCall, sdp: string): Promise<Message> {
  const headers = [
    ['Contact', '<sip:tester@127.0.0.1>'],
    ['Content-Type', 'application/sdp'],
  ] as const;
  return call.request('INVITE', headers, sdp);
}
