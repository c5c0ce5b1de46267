import { type Ending, type EndingReason, ending } from '../../../core/ending.ts';
import type { NextHop } from '../../signalling.ts';
import type { SipResponse } from '../message/message.ts';
import { statedReason } from './reason.ts';

/** What final responses to an INVITE of ours mean (RFC 3261 section 21). Those that are not here are refusals. */
const reasons: Readonly<Record<number, EndingReason>> = {
  401: 'trunk-unauthorized',
  404: 'callee-not-found',
  407: 'trunk-unauthorized',
  408: 'callee-no-answer',
  410: 'callee-not-found',
  480: 'callee-no-answer',
  484: 'callee-not-found',
  486: 'callee-busy',
  487: 'callee-no-answer',
  600: 'callee-busy',
  603: 'callee-declined',
  604: 'callee-not-found',
  607: 'callee-declined',
  608: 'callee-declined',
};

/** The reason that a final status stands for, where it is one of its own. */
export function reasonOfStatus(status: number): EndingReason | undefined {
  return reasons[status];
}

/** What a peer means that wants none of our SDP. */
const notAcceptable = 'it takes nothing of what was offered (enabled_codecs, media_encryption)';

/** What a 403 to an INVITE that had credentials may mean: many registrars and PBXs answer wrong ones with it. */
const perhapsUnauthorized = 'the credentials may be wrong (outbound_trunk_config.credentials)';

/**
 * Why a call of ours was not answered: the reason of its status, with the status and the cause that was given. `signed`: the
 * INVITE had credentials.
 */
export function refusalEnding(response: SipResponse, signed: boolean): Ending {
  const { status, headers } = response;
  const redirected = status >= 300 && status < 400;
  const reason = redirected ? 'trunk-redirected' : (reasons[status] ?? 'trunk-refused');
  const cause = statedReason(headers);
  const said = cause === undefined ? `SIP ${status}` : `SIP ${status}, ${cause}`;
  const hint = status === 488 || status === 606 ? notAcceptable : undefined;
  const more = status === 403 && signed ? perhapsUnauthorized : hint;
  return ending(reason, more === undefined ? said : `${said}, ${more}`);
}

/** Where a hop is, in words. */
export function placeInWords({ transport, address, port }: NextHop): string {
  return `${address} port ${port} over ${transport.toUpperCase()}`;
}

/** What is told of a peer that has said nothing; `hop` is where that is. */
export function noResponse(hop: NextHop | undefined): string {
  return hop === undefined ? 'no response' : `no response from ${placeInWords(hop)}`;
}

/** RFC 3261 section 21.5.4 and RFC 3263 section 4.3: this server cannot, another one may. */
export function wantsNextHop(response: SipResponse): boolean {
  return response.status === 503;
}
