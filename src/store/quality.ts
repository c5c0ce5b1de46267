import type { LegStats } from '../core/leg-stats.ts';
import type { CallQuality } from './record.ts';

/** Equipment impairment and loss robustness of each codec (ITU-T G.113 appendix I); others count as G.711. */
const codecs: Readonly<Record<string, { readonly impairment: number; readonly robustness: number }>> = {
  G722: { impairment: 0, robustness: 13 },
};
const g711 = { impairment: 0, robustness: 25.1 };

/** Best rating that G.107 gives with its default values. */
const bestRating = 93.2;
/** Sound of the caller in one direction beyond the jitter buffer: packet time and network, ms. Not measured, taken as this. */
const restDelayMs = 60;

/** How the caller's sound was, by the E-model (ITU-T G.107) simplified to what is measured here. */
export function qualityOf(stats: LegStats): CallQuality {
  const missing = stats.packetsLost + stats.packetsLate;
  const expected = stats.packetsReceived + stats.packetsLost;
  const loss = expected <= 0 ? 0 : Math.min(1, Math.max(0, missing / expected));
  return {
    mos: round(opinion(rating(stats.codec, loss * 100, stats.bufferDelayMs + restDelayMs)), 2),
    loss: round(loss, 4),
    jitterMs: round(stats.jitterMs, 1),
    ...(stats.lateness === undefined ? {} : { latenessMs: round(stats.lateness.p99, 2) }),
  };
}

/** G.107 section 7.1: what delay and loss leave of the best rating. */
function rating(codec: string, lossPercent: number, delayMs: number): number {
  const { impairment, robustness } = codecs[codec] ?? g711;
  const delay = 0.024 * delayMs + (delayMs > 177.3 ? 0.11 * (delayMs - 177.3) : 0);
  // Section 7.5, losses taken as random.
  const equipment = impairment + ((95 - impairment) * lossPercent) / (lossPercent + robustness);
  return bestRating - delay - equipment;
}

/** G.107 annex B: the mean opinion score of a rating. */
function opinion(r: number): number {
  if (r <= 0) return 1;
  if (r >= 100) return 4.5;
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}
