import type { MediaDescription } from './description.ts';
import type { CodecName } from './plan.ts';
import { codecNames } from './plan.ts';

/** Static payload numbers (RFC 3551 section 6). G.722 is 9 with an RTP clock of 8000 (section 4.5.2). */
export const staticPayloadTypes: Readonly<Record<CodecName, number>> = { PCMU: 0, PCMA: 8, G722: 9 };

/** Static numbers whose names may be told to a person although they are not spoken here. */
const otherStaticNames: ReadonlyMap<number, string> = new Map([
  [3, 'GSM'],
  [4, 'G723'],
  [5, 'DVI4'],
  [7, 'LPC'],
  [12, 'QCELP'],
  [13, 'CN'],
  [15, 'G728'],
  [18, 'G729'],
]);

/** A payload number of one m= line with what it stands for. */
export interface Format {
  readonly payloadType: number;
  /** One of ours at a clock of 8000 Hz, if it is. */
  readonly codec?: CodecName;
  /** True for telephone-event/8000. */
  readonly event: boolean;
  /** Encoding name for a person: letters, digits, `-`, `_`, `.` only, at most 24. */
  readonly label: string;
}

/** Formats of an m= line in its own order: by rtpmap, and by number where a static one has none (RFC 3551 section 6). */
export function readFormats(media: MediaDescription): Format[] {
  const mapped = new Map<number, string>();
  for (const { name, value } of media.attributes) {
    if (name !== 'rtpmap' || value === undefined) continue;
    const space = value.indexOf(' ');
    const payloadType = payloadTypeOf(value.slice(0, Math.max(0, space)));
    if (payloadType !== undefined && !mapped.has(payloadType)) {
      mapped.set(payloadType, value.slice(space + 1).trim());
    }
  }
  const formats = new Map<number, Format>();
  for (const text of media.formats) {
    const payloadType = payloadTypeOf(text);
    if (payloadType === undefined || formats.has(payloadType)) continue;
    const encoding = mapped.get(payloadType);
    formats.set(
      payloadType,
      encoding === undefined ? staticFormat(payloadType) : mappedFormat(payloadType, encoding),
    );
  }
  return [...formats.values()];
}

function payloadTypeOf(text: string): number | undefined {
  if (text.length === 0 || text.length > 3) return undefined;
  const number = Number(text);
  return /^\d+$/.test(text) && number <= 127 ? number : undefined;
}

function staticFormat(payloadType: number): Format {
  const codec = codecNames.find(name => staticPayloadTypes[name] === payloadType);
  if (codec !== undefined) return { payloadType, codec, event: false, label: codec };
  return {
    payloadType,
    event: false,
    label: otherStaticNames.get(payloadType) ?? `payload type ${payloadType}`,
  };
}

/** RFC 8866 section 6.6: name/clock/channels; names compare without case, and one channel is what none means. */
function mappedFormat(payloadType: number, encoding: string): Format {
  const [name = '', clock, channels = '1'] = encoding.split('/');
  const label = name.replace(/[^\w.-]/g, '').slice(0, 24) || `payload type ${payloadType}`;
  if (clock !== '8000' || channels !== '1') return { payloadType, event: false, label };
  const codec = codecNames.find(each => each === name.toUpperCase());
  if (codec !== undefined) return { payloadType, codec, event: false, label: codec };
  return { payloadType, event: name.toLowerCase() === 'telephone-event', label };
}
