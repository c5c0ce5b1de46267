import { Failure, fail, ok, type Result } from '../core/errors.ts';
import { isLoopback } from './address.ts';
import { type Attribute, attribute, type MediaDescription, type SessionDescription } from './description.ts';
import { allows, mirrored, offeredDirection } from './direction.ts';
import { type Format, readFormats, staticPayloadTypes } from './formats.ts';
import { packetTimes } from './limits.ts';
import type { CodecName, Direction, MediaPlan, MediaTarget } from './plan.ts';
import { formatSdp } from './writer.ts';

/** Our side of one audio stream. */
export interface LocalDescription {
  /** IP literal that the peer shall send to. */
  readonly address: string;
  readonly family: 4 | 6;
  /** RTCP is on the port above. */
  readonly rtpPort: number;
  /** Number in o=, the same for the whole dialogue; below 2^53. */
  readonly sessionId: number;
  /** Number in o=, one more whenever what we say changes (RFC 3264 section 8). */
  readonly version: number;
  /** Codecs that may be used, in the order in which we offer them. An answer keeps the order of the offer. */
  readonly codecs: readonly CodecName[];
  /** What we want ourselves; `sendrecv` unless given. */
  readonly direction?: Direction;
}

/** Which addresses of a peer sound may be sent to. Multicast never is. */
export interface TargetRules {
  /** Peers on this machine, as in tests and beside a PBX. */
  readonly loopback: boolean;
}

export const defaultTargetRules: TargetRules = { loopback: true };

/** Payload number of telephone-event in our own offers; 96 and up are free (RFC 3551 section 3). */
const offeredEventPayloadType = 101;

const plainProfiles: ReadonlySet<string> = new Set(['RTP/AVP', 'RTP/AVPF']);

interface Choice {
  readonly index: number;
  readonly media: MediaDescription;
  readonly formats: readonly Format[];
  readonly chosen: Format & { readonly codec: CodecName };
}

/**
 * Answers an offer (RFC 3264 section 6): the first usable audio line is taken, with the first of its codecs that is
 * allowed; every other line is refused with port 0. Fails with code `no-codec-in-common`, `unsupported-transport` or
 * `bad-offer`, and a sentence that may go into a Warning header.
 */
export function answer(
  offer: SessionDescription,
  local: LocalDescription,
  rules: TargetRules = defaultTargetRules,
): Result<{ readonly sdp: string; readonly plan: MediaPlan }> {
  const choice = choose(offer, local.codecs);
  if (!choice.ok) return choice;
  const { index, media, formats, chosen } = choice.value;
  const target = targetOf(offer, media, rules);
  if (!target.ok) return target;
  const event = formats.find(format => format.event);
  const direction = allows(mirrored(offeredDirection(offer, media)), local.direction ?? 'sendrecv');
  const packetTime = packetTimeOf(offer, media);
  const plan: MediaPlan = {
    codec: chosen.codec,
    sendPayloadType: chosen.payloadType,
    receivePayloadTypes: payloadTypesOf(formats, local.codecs),
    ...(event === undefined
      ? {}
      : { sendEventPayloadType: event.payloadType, receiveEventPayloadType: event.payloadType }),
    packetTime,
    direction,
    target: target.value,
  };
  const taken = audioLine(local, media.protocol, event === undefined ? [chosen] : [chosen, event], [
    { name: 'ptime', value: String(packetTime) },
    { name: direction },
  ]);
  const lines = offer.media.map((line, i) => (i === index ? taken : refused(line)));
  // RFC 3264 section 6: the t= line of an answer MUST equal that of the offer.
  return ok({ sdp: formatSdp(session(local, offer.timing, lines)), plan });
}

/** Our offer for an INVITE that had none: every allowed codec and telephone-event (RFC 6337 section 5.2.5). */
export function offer(local: LocalDescription): string {
  const direction = local.direction ?? 'sendrecv';
  const line = audioLine(local, 'RTP/AVP', ourFormats(local), [
    { name: 'ptime', value: String(packetTimes.usual) },
    { name: direction },
  ]);
  return formatSdp(session(local, '0 0', [line]));
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
  if (theirs.media.length !== 1) return badOffer('the answer has another number of m= lines than the offer');
  const choice = choose(theirs, ourOffer.codecs);
  if (!choice.ok) return choice;
  const { media, formats, chosen } = choice.value;
  const target = targetOf(theirs, media, rules);
  if (!target.ok) return target;
  const event = formats.find(format => format.event);
  return ok({
    codec: chosen.codec,
    sendPayloadType: chosen.payloadType,
    receivePayloadTypes: payloadTypesOf(ourFormats(ourOffer), ourOffer.codecs),
    ...(event === undefined
      ? {}
      : { sendEventPayloadType: event.payloadType, receiveEventPayloadType: offeredEventPayloadType }),
    packetTime: packetTimeOf(theirs, media),
    direction: allows(mirrored(offeredDirection(theirs, media)), ourOffer.direction ?? 'sendrecv'),
    target: target.value,
  });
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

/** The first audio line that is on, in a plain RTP profile, with a codec that is allowed. */
function choose(sdp: SessionDescription, codecs: readonly CodecName[]): Result<Choice> {
  const seen: string[] = [];
  let foreign: string | undefined;
  for (const [index, media] of sdp.media.entries()) {
    if (media.media !== 'audio' || media.port === 0) continue;
    if (!plainProfiles.has(media.protocol)) {
      foreign ??= media.protocol;
      continue;
    }
    const formats = readFormats(media);
    const chosen = formats.find(isAllowed(codecs));
    if (chosen !== undefined) return ok({ index, media, formats, chosen });
    seen.push(
      ...formats.filter(format => !format.event && format.label !== 'CN').map(format => format.label),
    );
  }
  if (foreign !== undefined && seen.length === 0) {
    return fail(
      new Failure(
        'unsupported-transport',
        `unsupported transport: the offer wants ${transportName(foreign)}`,
      ),
    );
  }
  return fail(new Failure('no-codec-in-common', `no codec in common: the offer had ${listed(seen)}`));
}

function isAllowed(codecs: readonly CodecName[]) {
  return (format: Format): format is Format & { readonly codec: CodecName } =>
    format.codec !== undefined && codecs.includes(format.codec);
}

function transportName(protocol: string): string {
  return protocol.replace(/[^\w./-]/g, '').slice(0, 32);
}

/** At most five names, each once. */
function listed(labels: readonly string[]): string {
  const names = [...new Set(labels)];
  if (names.length === 0) return 'no audio';
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and others` : `${shown} only`;
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
  return [...codecs, { payloadType: offeredEventPayloadType, event: true, label: 'telephone-event' }];
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
