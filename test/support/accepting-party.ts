import type { Ending } from '../../src/core/ending.ts';
import type { Result } from '../../src/core/errors.ts';
import { silentLogger } from '../../src/core/logger.ts';
import { parseSdp } from '../../src/sdp/parser.ts';
import { codecNames } from '../../src/sdp/plan.ts';
import { SipParty } from '../../src/sip/party.ts';
import type { Dialogue } from '../../src/sip/signalling.ts';
import { FakeLeg, someFacts } from './fake-call.ts';

/** A party on a dialogue, which answers `offer` at once; `accepted` is what comes of that. */
export function acceptingParty(
  dialogue: Dialogue,
  offer: string,
): { readonly ended: Promise<Ending>; readonly accepted: Promise<Result<void, Ending>> } {
  const sdp = parseSdp(offer);
  if (!sdp.ok) throw sdp.failure;
  const party = new SipParty({
    dialogue,
    leg: new FakeLeg(),
    facts: someFacts,
    offer: sdp.value,
    local: { address: '192.0.2.1', family: 4, sessionId: 7, version: 1, codecs: codecNames },
    log: silentLogger,
  });
  return { ended: party.ended, accepted: party.accept() };
}
