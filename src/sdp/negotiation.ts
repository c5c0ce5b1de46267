import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { isLoopback } from './address.ts';
import { type AudioLine, audioLines, isAllowed, pick } from './choice.ts';
import { cryptoAttribute } from './crypto.ts';
import { type Attribute, attribute, type MediaDescription, type SessionDescription } from './description.ts';
import { allows, mirrored, offeredDirection } from './direction.ts';
import {
  acceptedKeys,
  answerKeys,
  isSecureProfile,
  type KeysIgnored,
  keysToOffer,
  type LocalEncryption,
  noEncryption,
  offersSecureProfile,
  type Protection,
  protectionOf,
} from './encryption.ts';
import { type Format, staticPayloadTypes } from './formats.ts';
import { packetTimes } from './limits.ts';
import type { CodecName, Direction, MediaPlan, MediaTarget } from './plan.ts';
import { sameKeys } from './srtp-key.ts';
import { formatSdp } from './writer.ts';

/** Our side of one audio stream, as it is known before there is a port. */
export interface LocalSide {
  /** IP literal that the peer shall send to. */
  readonly address: string;
  readonly family: 4 | 6;
  /** Number in o=, the same for the whole dialogue; below 2^53. */
  readonly sessionId: number;
  /** Number in o=, one more whenever what we say changes (RFC 3264 section 8). */
  readonly version: number;
  /** Codecs that may be used, in the order in which we offer them. An answer keeps the order of the offer. */
  readonly codecs: readonly CodecName[];
  /** What we want ourselves; `sendrecv` unless given. */
  readonly direction?: Direction;
  /** What we do about SRTP; plain RTP alone unless given. */
  readonly encryption?: LocalEncryption;
  /** What the peer's last offer laid down; absent as long as only we have offered. */
  readonly shape?: SessionShape;
}

/** Our side of one audio stream. */
export interface LocalDescription extends LocalSide {
  /** RTCP is on the port above. */
  readonly rtpPort: number;
}

/** The m= lines of a session that is up: later offers repeat them in their order (RFC 3264 section 8). */
export interface SessionShape {
  readonly lines: readonly MediaDescription[];
  /** Index of the one that is in use. */
  readonly audio: number;
  /** What telephone-event is called: a number keeps its meaning for the whole session (RFC 3264 section 8.3.2). */
  readonly eventPayloadType: number;
}

/** Which addresses of a peer sound may be sent to. Multicast never is. */
export interface TargetRules {
  /** Peers on this machine, as in tests and beside a PBX. */
  readonly loopback: boolean;
}

export const defaultTargetRules: TargetRules = { loopback: true };

/** Payload number of telephone-event in our own offers; 96 and up are free (RFC 3551 section 3). */
const offeredEventPayloadType = 101;

/** An answer with what follows from it. */
export interface Answer {
  readonly sdp: string;
  readonly plan: MediaPlan;
  readonly shape: SessionShape;
}

/**
 * Answers an offer (RFC 3264 section 6): the first usable audio line is taken, one with SRTP before all others, with the
 * first of its codecs that is allowed; every other line is refused with port 0. Fails with code `no-codec-in-common`,
 * `unsupported-transport`, `encryption-required` or `bad-offer`, and a sentence that may go into a Warning header.
 */
export function answer(
  offer: SessionDescription,
  local: LocalDescription,
  rules: TargetRules = defaultTargetRules,
): Result<Answer> {
  const agreed = agree(offer, local, rules);
  if (!agreed.ok) return agreed;
  const { index, media: audio, formats, chosen, protection, target } = agreed.value;
  const line = protection.kind === 'srtp' ? protection.line : undefined;
  const srtp = line && answerKeys(line, local.encryption ?? noEncryption);
  const event = formats.find(format => format.event);
  const direction = allows(mirrored(offeredDirection(offer, audio)), local.direction ?? 'sendrecv');
  const packetTime = packetTimeOf(offer, audio);
  const plan: MediaPlan = {
    codec: chosen.codec,
    sendPayloadType: chosen.payloadType,
    receivePayloadTypes: payloadTypesOf(formats, local.codecs),
    ...(event === undefined
      ? {}
      : { sendEventPayloadType: event.payloadType, receiveEventPayloadType: event.payloadType }),
    packetTime,
    direction,
    target,
    ...(srtp === undefined ? {} : { srtp }),
  };
  const taken = audioLine(local, audio.protocol, event === undefined ? [chosen] : [chosen, event], [
    // RFC 4568 section 5.1.2: exactly one line, with the tag and the suite of the offer and our own key.
    ...(line && srtp ? [cryptoAttribute(line.tag, srtp.send)] : []),
    { name: 'ptime', value: String(packetTime) },
    { name: direction },
  ]);
  const media = offer.media.map((each, i) => (i === index ? taken : refused(each)));
  // RFC 3264 section 6: the t= line of an answer MUST equal that of the offer.
  const sdp = formatSdp(session(local, offer.timing, media));
  const eventPayloadType = event?.payloadType ?? freePayloadType(audio);
  return ok({ sdp, plan, shape: { lines: offer.media, audio: index, eventPayloadType } });
}

/**
 * Whether an offer can be answered, before there is a port to answer with; fails like `answer`. Says why keys for SRTP
 * that the offer had are not going to be used, where the answer is plain RTP all the same.
 */
export function answerable(
  offer: SessionDescription,
  local: LocalSide,
  rules: TargetRules = defaultTargetRules,
): Result<KeysIgnored | undefined> {
  const agreed = agree(offer, local, rules);
  if (!agreed.ok) return agreed;
  const { protection } = agreed.value;
  return ok(protection.kind === 'plain' ? protection.ignored : undefined);
}

/** The line of an offer that is taken, and where its sound goes. */
function agree(
  offer: SessionDescription,
  { codecs, encryption = noEncryption }: LocalSide,
  rules: TargetRules,
): Result<AudioLine<Protection> & { readonly target: MediaTarget }> {
  const lines = audioLines(offer, codecs, media => protectionOf(media, encryption));
  const line = pick(lines, ({ kind }) => kind === 'srtp');
  if (!line.ok) return line;
  const target = targetOf(offer, line.value.media, rules);
  return target.ok ? ok({ ...line.value, target: target.value }) : target;
}

/**
 * Our offer, for an INVITE that had none or inside a session: every allowed codec and telephone-event (RFC 6337 section
 * 5.2.5), and the keys of `encryption.offered`, which `keysToOffer` makes. Throws when SRTP is required and there is no
 * key to offer: whether keys are allowed is to be seen to before.
 */
export function offer(local: LocalDescription): string {
  const direction = local.direction ?? 'sendrecv';
  const encryption = encryptionOf(local);
  const keys = encryption.offered ?? [];
  const secure = offersSecureProfile(encryption);
  if (secure && keys.length === 0) throw new Error('an offer of SRTP has no keys');
  const line = audioLine(local, profileOf(local, secure), ourFormats(local), [
    ...keys.map((key, i) => cryptoAttribute(String(i + 1), key)),
    { name: 'ptime', value: String(packetTimes.usual) },
    { name: direction },
  ]);
  const { lines, audio } = local.shape ?? { lines: [line], audio: 0 };
  return formatSdp(
    session(
      local,
      '0 0',
      lines.map((each, i) => (i === audio ? line : refused(each))),
    ),
  );
}

/** A session in an SRTP profile stays in one, whatever else would be allowed. */
function encryptionOf({ encryption = noEncryption, shape }: LocalDescription): LocalEncryption {
  const standing = shape?.lines[shape.audio]?.protocol ?? '';
  return isSecureProfile(standing) ? { ...encryption, policy: 'required' } : encryption;
}

/** RTP/AVPF and RTP/SAVPF stay what they are in a session that was begun with them. */
function profileOf({ shape }: LocalDescription, secure: boolean): string {
  const feedback = shape?.lines[shape.audio]?.protocol.endsWith('F') === true ? 'F' : '';
  return `${secure ? 'RTP/SAVP' : 'RTP/AVP'}${feedback}`;
}

/**
 * What follows from the answer to `offer(ourOffer)`. Packets go out with the numbers of the answer and come in with
 * those of our offer (RFC 3264 section 6.1). Fails like `answer`.
 */
export function acceptAnswer(
  ourOffer: LocalDescription,
  theirs: SessionDescription,
  rules: TargetRules = defaultTargetRules,
): Result<MediaPlan> {
  // RFC 3264 section 6: as many m= lines as in the offer.
  if (theirs.media.length !== (ourOffer.shape?.lines.length ?? 1)) {
    return badOffer('the answer has another number of m= lines than the offer');
  }
  const encryption = encryptionOf(ourOffer);
  const lines = audioLines(theirs, ourOffer.codecs, media => acceptedKeys(media, encryption), 'answer');
  const choice = pick(lines, () => true);
  if (!choice.ok) return choice;
  const { index, media, formats, chosen, protection: srtp } = choice.value;
  if (index !== (ourOffer.shape?.audio ?? 0)) return badOffer('the answer takes a line that was off');
  const target = targetOf(theirs, media, rules);
  if (!target.ok) return target;
  const event = formats.find(format => format.event);
  return ok({
    codec: chosen.codec,
    sendPayloadType: chosen.payloadType,
    receivePayloadTypes: payloadTypesOf(ourFormats(ourOffer), ourOffer.codecs),
    ...(event === undefined
      ? {}
      : { sendEventPayloadType: event.payloadType, receiveEventPayloadType: eventPayloadTypeOf(ourOffer) }),
    packetTime: packetTimeOf(theirs, media),
    direction: allows(mirrored(offeredDirection(theirs, media)), ourOffer.direction ?? 'sendrecv'),
    target: target.value,
    ...(srtp === undefined ? {} : { srtp }),
  });
}

/** Our side with new keys for an offer, where SRTP is to be offered. */
export function withKeysToOffer(local: LocalDescription): LocalDescription {
  const encryption = local.encryption ?? noEncryption;
  return { ...local, encryption: { ...encryption, offered: keysToOffer(encryptionOf(local)) } };
}

/** Our side once a plan is in force: its keys are those in use, and none is on offer. */
export function withPlan(local: LocalDescription, plan: MediaPlan): LocalDescription {
  const { policy, keysAllowed } = local.encryption ?? noEncryption;
  return { ...local, encryption: { policy, keysAllowed, inUse: plan.srtp } };
}

/** True when both plans carry the same sound the same way: a re-offer that changes nothing (RFC 3264 section 8). */
export function sameMedia(a: MediaPlan, b: MediaPlan): boolean {
  return (
    a.codec === b.codec &&
    a.sendPayloadType === b.sendPayloadType &&
    a.sendEventPayloadType === b.sendEventPayloadType &&
    a.receiveEventPayloadType === b.receiveEventPayloadType &&
    a.packetTime === b.packetTime &&
    a.direction === b.direction &&
    a.target.address === b.target.address &&
    a.target.rtpPort === b.target.rtpPort &&
    a.target.rtcpPort === b.target.rtcpPort &&
    sameKeys(a.srtp, b.srtp) &&
    samePayloadTypes(a.receivePayloadTypes, b.receivePayloadTypes)
  );
}

function samePayloadTypes(
  a: Readonly<Record<number, CodecName>>,
  b: Readonly<Record<number, CodecName>>,
): boolean {
  const left = Object.entries(a);
  return left.length === Object.keys(b).length && left.every(([type, codec]) => b[Number(type)] === codec);
}

function badOffer(what: string): Result<never> {
  return fail(new Failure('bad-offer', `The session description cannot be used: ${what}.`));
}

function payloadTypesOf(formats: readonly Format[], codecs: readonly CodecName[]): Record<number, CodecName> {
  const types: Record<number, CodecName> = {};
  for (const format of formats.filter(isAllowed(codecs))) types[format.payloadType] = format.codec;
  return types;
}

function targetOf(sdp: SessionDescription, media: MediaDescription, rules: TargetRules): Result<MediaTarget> {
  const connection = media.connection ?? sdp.connection;
  if (connection === undefined) return badOffer('c= is missing');
  if (!rules.loopback && isLoopback(connection.address)) return badOffer('c= is a loopback address');
  const rtcp = Number((attribute(media.attributes, 'rtcp') ?? '').split(' ', 1)[0]);
  const separate = Number.isInteger(rtcp) && rtcp > 0 && rtcp <= 65_535;
  // RFC 3605 section 2.1: the port of a=rtcp; RFC 3550 section 11: otherwise the one above.
  const rtcpPort = separate ? rtcp : Math.min(media.port + 1, 65_535);
  return ok({ address: connection.address, rtpPort: media.port, rtcpPort });
}

/**
 * What a=ptime asks for (some peers write it above the first m=), within a=maxptime and our own bounds, down to whole
 * steps of 10 ms.
 */
function packetTimeOf(sdp: SessionDescription, media: MediaDescription): number {
  const asked = (name: string) =>
    positive(attribute(media.attributes, name) ?? attribute(sdp.attributes, name));
  const wanted = asked('ptime') ?? packetTimes.usual;
  const most = Math.min(asked('maxptime') ?? packetTimes.most, packetTimes.most);
  const whole = Math.floor(Math.min(wanted, most) / packetTimes.step) * packetTimes.step;
  return Math.max(whole, packetTimes.least);
}

function positive(text: string | undefined): number | undefined {
  const number = Number(text);
  return text !== undefined && Number.isFinite(number) && number > 0 ? number : undefined;
}

function ourFormats(local: LocalDescription): Format[] {
  const codecs = local.codecs.map(codec => ({
    payloadType: staticPayloadTypes[codec],
    codec,
    event: false,
    label: codec,
  }));
  const event = { payloadType: eventPayloadTypeOf(local), event: true, label: 'telephone-event' };
  return [...codecs, event];
}

function eventPayloadTypeOf({ shape }: LocalDescription): number {
  return shape?.eventPayloadType ?? offeredEventPayloadType;
}

/** A number for telephone-event that means nothing else on that line. */
function freePayloadType({ formats }: MediaDescription): number {
  for (let type = offeredEventPayloadType; type <= 127; type++)
    if (!formats.includes(String(type))) return type;
  return offeredEventPayloadType;
}

function audioLine(
  local: LocalDescription,
  protocol: string,
  formats: readonly Format[],
  more: readonly Attribute[],
): MediaDescription {
  const attributes: Attribute[] = [];
  for (const { payloadType, codec } of formats) {
    attributes.push({ name: 'rtpmap', value: `${payloadType} ${codec ?? 'telephone-event'}/8000` });
    // RFC 4733 section 2.4.1: the sixteen DTMF events.
    if (codec === undefined) attributes.push({ name: 'fmtp', value: `${payloadType} 0-15` });
  }
  attributes.push(...more);
  return {
    media: 'audio',
    port: local.rtpPort,
    protocol,
    formats: formats.map(format => String(format.payloadType)),
    attributes,
  };
}

function refused({ media, protocol, formats }: MediaDescription): MediaDescription {
  return { media, port: 0, protocol, formats, attributes: [] };
}

function session(
  local: LocalDescription,
  timing: string,
  media: readonly MediaDescription[],
): SessionDescription {
  const { address, family, sessionId, version } = local;
  const origin = { user: '-', sessionId: String(sessionId), version: String(version), address };
  return { origin, name: '-', connection: { family, address }, timing, attributes: [], media };
}
