import { srtpLimits as limits } from './limits.ts';
import { ReplayWindow } from './replay-window.ts';

export type PacketKind = 'rtp' | 'rtcp';

interface Source {
  readonly ssrc: number;
  readonly rtp: ReplayWindow;
  readonly rtcp: ReplayWindow;
}

/**
 * The sources of a peer that have proved genuine, the last heard first. One too many pushes out the one that was silent
 * for longest; of that the highest indices are remembered, so that it can come back and its packets cannot.
 */
export class SourceTable {
  readonly #sources: Source[] = [];
  readonly #former = new Map<number, { readonly rtp: number; readonly rtcp: number }>();

  /** Whether nothing has come yet. */
  get empty(): boolean {
    return this.#sources.length === 0;
  }

  /** The highest index of a source, -1 when there is none. */
  highest(ssrc: number, kind: PacketKind): number {
    const source = this.#find(ssrc);
    return source === undefined ? (this.#former.get(ssrc)?.[kind] ?? -1) : source[kind].highest;
  }

  /** False when the packet has come before, or is too old to tell. */
  admits(ssrc: number, kind: PacketKind, index: number): boolean {
    const source = this.#find(ssrc);
    return source === undefined ? index > (this.#former.get(ssrc)?.[kind] ?? -1) : source[kind].admits(index);
  }

  /** Whether the source is known, or there is a place for one more in the life of this key. */
  hasRoom(ssrc: number): boolean {
    if (this.#sources.length < limits.sources || this.#former.size < limits.formerSources) return true;
    return this.#find(ssrc) !== undefined || this.#former.has(ssrc);
  }

  /** Takes note of a genuine packet. */
  accept(ssrc: number, kind: PacketKind, index: number): void {
    if (this.#sources[0]?.ssrc !== ssrc) this.#bringForward(ssrc);
    this.#sources[0]![kind].accept(index);
  }

  #find(ssrc: number): Source | undefined {
    const sources = this.#sources;
    for (let i = 0; i < sources.length; i++) if (sources[i]!.ssrc === ssrc) return sources[i];
    return undefined;
  }

  #bringForward(ssrc: number): void {
    const known = this.#find(ssrc);
    if (known !== undefined) this.#sources.splice(this.#sources.indexOf(known), 1);
    else if (this.#sources.length >= limits.sources) this.#retire();
    this.#sources.unshift(known ?? this.#make(ssrc));
  }

  #make(ssrc: number): Source {
    const source = { ssrc, rtp: new ReplayWindow(), rtcp: new ReplayWindow() };
    const before = this.#former.get(ssrc);
    if (before === undefined) return source;
    if (before.rtp >= 0) source.rtp.close(before.rtp);
    if (before.rtcp >= 0) source.rtcp.close(before.rtcp);
    this.#former.delete(ssrc);
    return source;
  }

  #retire(): void {
    const { ssrc, rtp, rtcp } = this.#sources.pop()!;
    this.#former.set(ssrc, { rtp: rtp.highest, rtcp: rtcp.highest });
  }
}
