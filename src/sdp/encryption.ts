import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { type CryptoLine, hasCrypto, readCrypto } from './crypto.ts';
import type { MediaDescription } from './description.ts';
import { freshKey, type SrtpKey, type SrtpKeys, sameKey, srtpSuiteNames } from './srtp-key.ts';

/** ElevenLabs' words for what a trunk does about SRTP. */
export const mediaEncryptions = ['disabled', 'allowed', 'required'] as const;
export type MediaEncryption = (typeof mediaEncryptions)[number];

/** What our side does about SRTP in one dialogue. */
export interface LocalEncryption {
  readonly policy: MediaEncryption;
  /** Whether keys may stand in SDP: the signalling is encrypted, or the operator does not mind (RFC 4568 section 7). */
  readonly keysAllowed: boolean;
  /** The keys that are in use, for a re-offer: ours stays as long as the peer's does. */
  readonly inUse?: SrtpKeys | undefined;
  /** Our keys in the offer that is being answered, made by `keysToOffer`. */
  readonly offered?: readonly SrtpKey[] | undefined;
}

/** Without anything configured: plain RTP alone. */
export const noEncryption: LocalEncryption = { policy: 'disabled', keysAllowed: false };

/** Why keys that were offered are not used, in a call that goes on without them. */
export type KeysIgnored = 'cleartext-signalling' | 'disabled' | 'no-usable-key';

/** How one media line of a peer is to be taken. */
export type Protection =
  | { readonly kind: 'plain'; readonly ignored?: KeysIgnored }
  | { readonly kind: 'srtp'; readonly line: CryptoLine };

const plainProfiles: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF']);
const secureProfiles: ReadonlySet<string> = new Set(['RTP/SAVP', 'RTP/SAVPF']);

/** Whether the profile is one of RTP that can be spoken here at all, encrypted or not. */
export function isKnownProfile(protocol: string): boolean {
  return plainProfiles.has(protocol) || secureProfiles.has(protocol);
}

export const isSecureProfile = (protocol: string): boolean => secureProfiles.has(protocol);

/**
 * Decides about an offered media line of a known profile. RTP/SAVP is SRTP or nothing. RTP/AVP with keys is SRTP where
 * both sides can (RFC 8643), and plain RTP elsewhere, but never under `required`. Fails with code
 * `unsupported-transport` or `encryption-required`.
 */
export function protectionOf(media: MediaDescription, local: LocalEncryption): Result<Protection> {
  const { policy, keysAllowed } = local;
  const secure = isSecureProfile(media.protocol);
  const lines = readCrypto(media.attributes);
  const line = chosenLine(lines, local);
  if (policy !== 'disabled' && keysAllowed && line !== undefined) return ok({ kind: 'srtp', line });
  if (policy === 'required') return fail(required(keysAllowed, hasCrypto(media.attributes)));
  if (secure) return fail(notSecure(media.protocol, local));
  if (!hasCrypto(media.attributes)) return ok({ kind: 'plain' });
  if (policy === 'disabled') return ok({ kind: 'plain', ignored: 'disabled' });
  return ok({ kind: 'plain', ignored: keysAllowed ? 'no-usable-key' : 'cleartext-signalling' });
}

/** RFC 4568 section 5.1.2: the first line that can be used; in a re-offer the one in use goes before all others. */
function chosenLine(lines: readonly CryptoLine[], { inUse }: LocalEncryption): CryptoLine | undefined {
  return lines.find(({ key }) => sameKey(key, inUse?.receive)) ?? lines[0];
}

function required(keysAllowed: boolean, offered: boolean): Failure {
  const why = keysAllowed
    ? offered
      ? 'none of its a=crypto lines can be used'
      : 'it has no a=crypto'
    : 'keys are taken over TLS alone';
  return new Failure('encryption-required', `SRTP is required: ${why}`);
}

function notSecure(protocol: string, { policy, keysAllowed }: LocalEncryption): Failure {
  const why =
    policy === 'disabled'
      ? 'SRTP is disabled here'
      : keysAllowed
        ? 'no a=crypto line of it can be used'
        : 'keys are taken over TLS alone';
  return new Failure(
    'unsupported-transport',
    `unsupported transport: the offer wants ${protocol}, and ${why}`,
  );
}

/**
 * Both keys for an answer to `line`. Ours stays while the peer's does. A peer with a new key may be another device,
 * which knows nothing of how far our packet counter has come: it gets a new one of ours, whose counter begins.
 */
export function answerKeys(line: CryptoLine, { inUse }: LocalEncryption): SrtpKeys {
  const same = inUse !== undefined && sameKey(inUse.receive, line.key);
  return { send: same ? inUse.send : freshKey(line.key.suite), receive: line.key };
}

/** Why no offer can be made: SRTP is required, and its keys must not be sent. Code `encryption-required`. */
export function offerTrouble({ policy, keysAllowed }: LocalEncryption): Failure | undefined {
  return policy === 'required' && !keysAllowed ? required(false, false) : undefined;
}

/** Our keys for an offer, one a suite: the one in use first, then new ones. Empty where no SRTP is offered. */
export function keysToOffer({ policy, keysAllowed, inUse }: LocalEncryption): readonly SrtpKey[] {
  if (policy === 'disabled' || !keysAllowed) return [];
  const others = srtpSuiteNames.filter(suite => suite !== inUse?.send.suite).map(freshKey);
  return inUse === undefined ? others : [inUse.send, ...others];
}

/**
 * The keys that follow from the answer to our offer: the answer names one of our tags with its suite (RFC 4568 section
 * 5.1.3). Undefined for plain RTP, where our offer let that be chosen. Fails like `protectionOf`.
 */
export function acceptedKeys(media: MediaDescription, local: LocalEncryption): Result<SrtpKeys | undefined> {
  const offered = local.offered ?? [];
  const secure = isSecureProfile(media.protocol);
  // RFC 3264 section 6: the answer has the profile of the offer.
  if (secure !== offersSecureProfile(local)) {
    return local.policy === 'required'
      ? fail(new Failure('encryption-required', 'SRTP is required: the answer is RTP/AVP'))
      : fail(
          new Failure('unsupported-transport', 'unsupported transport: the answer changes the RTP profile'),
        );
  }
  if (offered.length === 0 && local.policy !== 'required') return ok(undefined);
  const [line, ...more] = readCrypto(media.attributes);
  // A refresh repeats what stood in our answer: the one key in use, under the tag that the peer had given it.
  const send = line && (offered.length === 1 ? offered[0] : offered[Number(line.tag) - 1]);
  if (line !== undefined && more.length === 0 && send?.suite === line.key.suite) {
    return ok({ send, receive: line.key });
  }
  if (local.policy === 'required') return fail(required(true, hasCrypto(media.attributes)));
  if (hasCrypto(media.attributes))
    return fail(new Failure('bad-offer', 'The answer has no a=crypto line that fits the offer.'));
  return ok(undefined);
}

/** Whether our offers are RTP/SAVP: where SRTP is only allowed they are RTP/AVP with keys (RFC 8643). */
export function offersSecureProfile({ policy }: LocalEncryption): boolean {
  return policy === 'required';
}
