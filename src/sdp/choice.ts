import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { MediaDescription, SessionDescription } from './description.ts';
import { isKnownProfile } from './encryption.ts';
import { type Format, readFormats } from './formats.ts';
import type { CodecName } from './plan.ts';

/** A codec of a format that is allowed. */
export type ChosenFormat = Format & { readonly codec: CodecName };

/** An audio line that can be used, the first of its codecs that is allowed, and how it is protected. */
export interface AudioLine<T> {
  readonly index: number;
  readonly media: MediaDescription;
  readonly formats: readonly Format[];
  readonly chosen: ChosenFormat;
  readonly protection: T;
}

/** The usable audio lines of a description. */
export interface AudioLines<T> {
  readonly usable: readonly AudioLine<T>[];
  /** Why there is none; made when it is asked for. */
  readonly trouble: () => Failure;
}

/** Looks at every audio line that is on. `protect` says how one of an RTP profile is protected, or why it cannot be. */
export function audioLines<T>(
  sdp: SessionDescription,
  codecs: readonly CodecName[],
  protect: (media: MediaDescription) => Result<T>,
  what: 'offer' | 'answer' = 'offer',
): AudioLines<T> {
  const usable: AudioLine<T>[] = [];
  const seen: Format[] = [];
  let unfit: Failure | undefined;
  for (const [index, media] of sdp.media.entries()) {
    if (media.media !== 'audio' || media.port === 0) continue;
    const protection = isKnownProfile(media.protocol) ? protect(media) : fail(foreign(media.protocol, what));
    if (!protection.ok) {
      unfit ??= protection.failure;
      continue;
    }
    const formats = readFormats(media);
    const chosen = formats.find(isAllowed(codecs));
    if (chosen !== undefined) usable.push({ index, media, formats, chosen, protection: protection.value });
    seen.push(...formats);
  }
  const trouble = (): Failure => {
    const labels = seen.filter(({ event, label }) => !event && label !== 'CN').map(({ label }) => label);
    if (unfit !== undefined && labels.length === 0) return unfit;
    return new Failure('no-codec-in-common', `no codec in common: the ${what} had ${listed(labels)}`);
  };
  return { usable, trouble };
}

/** The first line that is preferred, else the first. */
export function pick<T>(
  { usable, trouble }: AudioLines<T>,
  preferred: (protection: T) => boolean,
): Result<AudioLine<T>> {
  const line = usable.find(({ protection }) => preferred(protection)) ?? usable[0];
  return line === undefined ? fail(trouble()) : ok(line);
}

export function isAllowed(codecs: readonly CodecName[]) {
  return (format: Format): format is ChosenFormat =>
    format.codec !== undefined && codecs.includes(format.codec);
}

function foreign(protocol: string, what: string): Failure {
  const name = protocol.replace(/[^\w./-]/g, '').slice(0, 32);
  return new Failure('unsupported-transport', `unsupported transport: the ${what} wants ${name}`);
}

/** At most five names, each once. */
function listed(labels: readonly string[]): string {
  const names = [...new Set(labels)];
  if (names.length === 0) return 'no audio';
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and others` : `${shown} only`;
}
