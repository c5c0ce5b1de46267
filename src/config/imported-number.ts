import { z } from 'zod';
import type { ConfiguredTrunk } from './config.ts';
import { type ImportedNumbers, readImportedTrunk } from './imported.ts';

const urls = z.object({
  voiceUrl: z.string(),
  voiceMethod: z.string(),
  voiceApplicationSid: z.string(),
  voiceFallbackUrl: z.string(),
  voiceFallbackMethod: z.string(),
  statusCallback: z.string(),
  statusCallbackMethod: z.string(),
  smsUrl: z.string().exactOptional(),
  smsMethod: z.string().exactOptional(),
  smsApplicationSid: z.string().exactOptional(),
});
const twilioPart = z.object({
  accountSid: z.string(),
  sid: z.string(),
  purchased: z.boolean(),
  /** What we set as its voice URL, and what was there before; absent where we set nothing. */
  ours: z.string().exactOptional(),
  before: urls.exactOptional(),
});
const documentShape = z.object({
  number: z.string(),
  label: z.string(),
  provider: z.enum(['twilio', 'sip_trunk']),
  agentId: z.string().exactOptional(),
  defaultCountry: z.string().exactOptional(),
  twilio: twilioPart.exactOptional(),
  inbound: z.unknown().optional(),
  outbound: z.unknown().optional(),
});

/** A number as it was imported, and as the store has it. */
export type ImportedNumber = z.infer<typeof documentShape>;

/** From the text that the store has; undefined where that cannot be read. */
export function readImportedNumber(text: string | undefined): ImportedNumber | undefined {
  try {
    return documentShape.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

/** What imported numbers, by their ids, are to the configuration. */
export function importsOf(entries: Iterable<readonly [string, ImportedNumber | undefined]>): ImportedNumbers {
  const numbers: ImportedNumbers['numbers'][number][] = [];
  const trunks: ConfiguredTrunk[] = [];
  const passwords = new Map<string, string>();
  for (const [id, entry] of entries) {
    if (entry === undefined) continue;
    const read = readImportedTrunk(id, entry);
    const country = entry.defaultCountry === undefined ? {} : { defaultCountry: entry.defaultCountry };
    if (read.ok) {
      trunks.push(...read.value.trunks.map(trunk => ({ ...callingFrom(entry.number, trunk), ...country })));
      for (const [name, password] of read.value.passwords) passwords.set(name, password);
    }
    if (entry.agentId === undefined) continue;
    const takes = read.ok && read.value.trunks.some(({ outboundOnly }) => outboundOnly !== true);
    numbers.push({
      pattern: { kind: 'number', number: entry.number },
      ...{ agentId: entry.agentId, label: entry.label, policy: {}, ...country },
      // With a way in of its own it is called over that one alone.
      ...(takes ? { trunk: id } : {}),
    });
  }
  return { numbers, trunks, passwords };
}

/** Calls go out over the trunk of a number from that number, whether an agent answers it or not, unless the trunk says `from`. */
const callingFrom = (number: string, { outbound, ...trunk }: ConfiguredTrunk): ConfiguredTrunk =>
  outbound === undefined ? trunk : { ...trunk, outbound: { from: number, ...outbound } };
