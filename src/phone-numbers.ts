import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Config, ConfiguredTrunk } from './config/config.ts';
import { type ImportedNumbers, isConfigured, readImportedTrunk } from './config/imported.ts';
import { toE164 } from './core/e164.ts';
import { Failure, fail, messageOf, ok, type Result } from './core/errors.ts';
import type { Logger } from './core/logger.ts';
import { maskNumber } from './core/mask.ts';
import { twilioPaths } from './core/twilio-paths.ts';
import type { NumberChange, NumberWish } from './http/phone-numbers.ts';
import type { DocumentAuthor, Documents } from './store/document.ts';
import type { TwilioClient } from './twilio/client.ts';
import type { TwilioConnection } from './twilio/connection.ts';
import { DocumentShelf } from './twilio/document-shelf.ts';
import { claimNumber, type FoundNumber, findNumber, releaseNumber } from './twilio/number-setup.ts';

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

/** A number as it was imported. */
export type ImportedNumber = z.infer<typeof documentShape>;

/** A number with what it is called by. */
export interface NumberEntry extends ImportedNumber {
  readonly id: string;
  /** It stands in the configuration: nothing of it can be changed over the API. */
  readonly configured: boolean;
}

export interface PhoneNumberParts {
  readonly documents: Documents;
  readonly connection: TwilioConnection;
  /** What the configuration says alone. */
  readonly configured: () => Config;
  /** What is there now holds for new calls from here on. */
  readonly use: (imported: ImportedNumbers) => void;
  readonly log: Logger;
}

/**
 * Numbers that came over the API, beside those of the configuration, which wins for a number that it names. Rejects when
 * the store is down; what was known then goes on holding.
 */
export class PhoneNumbers {
  readonly #parts: PhoneNumberParts;
  readonly #shelf: DocumentShelf<ImportedNumber | undefined>;

  constructor(parts: PhoneNumberParts) {
    const { documents, log } = parts;
    this.#parts = parts;
    this.#shelf = new DocumentShelf({ kind: 'phone-number', documents, log, read });
  }

  /** Takes over what other nodes were told. */
  async refresh(): Promise<void> {
    if (await this.#shelf.refresh()) this.#apply();
  }

  /** Imported ones, then the single numbers of the configuration. */
  list(): NumberEntry[] {
    const config = this.#parts.configured();
    const imported = [...this.#shelf.all].flatMap(([id, number]) =>
      number === undefined ? [] : [{ ...number, id, configured: isConfigured(config, number.number) }],
    );
    return [...imported, ...configuredEntries(config)];
  }

  find(id: string): NumberEntry | undefined {
    return this.list().find(entry => entry.id === id);
  }

  async create(wish: NumberWish, author: DocumentAuthor): Promise<Result<string>> {
    await this.refresh();
    const config = this.#parts.configured();
    const { defaultCountry = config.tools.defaultCountry } = wish;
    const parsed = toE164(wish.number, defaultCountry);
    if (!parsed.ok) return refused('phone-number', `phone_number ${parsed.failure.message}.`);
    const number = parsed.value;
    const known = this.list().find(entry => entry.number === number);
    if (known?.configured === true) return refused('configured', inConfiguration);
    if (known !== undefined) return refused('taken', 'The number is imported already: change it by its id.');
    const id = `phnum_${randomBytes(12).toString('hex')}`;
    const { label, provider, agentId, inbound, outbound } = wish;
    const entry: ImportedNumber = {
      ...{ number, label, provider, inbound, outbound },
      ...(agentId === undefined ? {} : { agentId }),
      ...(wish.defaultCountry === undefined ? {} : { defaultCountry: wish.defaultCountry }),
    };
    if (provider === 'twilio') return this.#createTwilio(id, entry, wish, author);
    const trunk = this.#trunkTrouble(id, entry);
    return trunk === undefined ? this.#keep(id, entry, author, 'imported') : fail(trunk);
  }

  async update(id: string, change: NumberChange, author: DocumentAuthor): Promise<Result<NumberEntry>> {
    await this.refresh();
    const before = this.#changeable(id);
    if (!before.ok) return before;
    const { agentId: _agent, defaultCountry: _country, ...rest } = before.value;
    const agentId = changed(change.agentId, before.value.agentId);
    const defaultCountry = changed(change.defaultCountry, before.value.defaultCountry);
    if (agentId !== undefined && rest.twilio?.purchased === false) return refused('caller-id', callerIdOnly);
    const after: ImportedNumber = {
      ...rest,
      label: change.label ?? rest.label,
      inbound: changed(change.inbound, rest.inbound),
      outbound: changed(change.outbound, rest.outbound),
      ...(agentId === undefined ? {} : { agentId }),
      ...(defaultCountry === undefined ? {} : { defaultCountry }),
    };
    if (rest.provider === 'twilio' && (after.inbound ?? after.outbound) !== undefined)
      return refused('invalid', 'A number with provider twilio has no trunk of its own.');
    const trouble = this.#trunkTrouble(id, after);
    if (trouble !== undefined) return fail(trouble);
    const kept = await this.#keep(id, after, author, 'changed');
    return kept.ok ? ok({ ...after, id, configured: false }) : kept;
  }

  /** `forced`: also where Twilio cannot be told. */
  async remove(id: string, author: DocumentAuthor, forced: boolean): Promise<Result<void>> {
    await this.refresh();
    const entry = this.find(id);
    // One that was imported may go although the configuration names the number too.
    if (entry === undefined || !this.#shelf.all.has(id))
      return entry === undefined ? notFound() : refused('configured', inConfiguration);
    const { twilio, number } = entry;
    if (twilio?.before !== undefined && twilio.ours !== undefined) {
      const released = await this.#released(twilio.accountSid, client =>
        releaseNumber(
          client,
          twilio.sid,
          twilio.before as NonNullable<typeof twilio.before>,
          twilio.ours as string,
        ),
      );
      if (!released.ok && !forced) return released;
      const how = released.ok ? released.value : 'not told';
      this.#parts.log.info('phone number released', { number: maskNumber(number), how });
    }
    await this.#shelf.remove(id, { ...author, what: 'removed' });
    this.#apply();
    return ok(undefined);
  }

  async #createTwilio(
    id: string,
    entry: ImportedNumber,
    wish: NumberWish,
    author: DocumentAuthor,
  ): Promise<Result<string>> {
    const { connection, configured } = this.#parts;
    const client = connection.client();
    if (!client.ok) return refused('not-connected', client.failure.message);
    const { accountSid } = client.value;
    if (wish.accountSid !== undefined && wish.accountSid !== accountSid) {
      return refused(
        'other-account',
        'sid is not the account that is connected: see GET /v1/twilio/connection.',
      );
    }
    if ((wish.inbound ?? wish.outbound) !== undefined)
      return refused('invalid', 'A number with provider twilio has no trunk of its own: use sip_trunk.');
    const found = await findNumber(client.value, entry.number);
    if (!found.ok) return found;
    if (found.value === undefined) return refused('not-of-account', notOfAccount);
    if (found.value.kind === 'caller-id' && entry.agentId !== undefined)
      return refused('caller-id', callerIdOnly);
    const base = publicBase(configured());
    const claimed = claimOf(found.value, wish, base);
    if (!claimed.ok) return claimed;
    const { sid, kind } = found.value;
    const twilio = { accountSid, sid, purchased: kind === 'purchased', ...claimed.value };
    // Written first: what was there before must not be lost between the two.
    const kept = await this.#keep(id, { ...entry, twilio }, author, 'imported');
    if (!kept.ok || claimed.value.ours === undefined) return kept;
    const set = await claimNumber(client.value, sid, {
      voice: claimed.value.ours,
      voiceFallback: `${base}${twilioPaths.voiceFallback}`,
      status: `${base}${twilioPaths.callStatus}`,
      ...(wish.messagesWanted === true ? { message: `${base}${twilioPaths.message}` } : {}),
    });
    if (set.ok) return kept;
    await this.#shelf.remove(id, { ...author, what: 'not imported' });
    this.#apply();
    return set;
  }

  #changeable(id: string): Result<NumberEntry> {
    const entry = this.find(id);
    if (entry === undefined) return notFound();
    return entry.configured ? refused('configured', inConfiguration) : ok(entry);
  }

  async #released<T>(
    accountSid: string,
    work: (client: TwilioClient) => Promise<Result<T>>,
  ): Promise<Result<T>> {
    const { connection } = this.#parts;
    const client = connection.client();
    const hint = 'add ?force=true to remove it and leave its URLs at Twilio as they are.';
    if (!client.ok) return refused('not-connected', `Twilio is not connected; ${hint}`);
    if (client.value.accountSid !== accountSid)
      return refused(
        'other-account',
        `The number is of another Twilio account than the one connected; ${hint}`,
      );
    return work(client.value);
  }

  #trunkTrouble(id: string, { inbound, outbound }: ImportedNumber): Failure | undefined {
    const read = readImportedTrunk(id, { inbound, outbound });
    if (!read.ok) return new Failure('invalid', read.failure);
    const names = new Set(read.value.trunks.map(({ username }) => username));
    names.delete(undefined);
    const others = [...this.#imports().trunks, ...this.#parts.configured().trunks];
    return others.some(({ name, username }) => name !== id && names.has(username))
      ? new Failure(
          'taken',
          'Another trunk has that username: each needs its own, it decides whose call it is.',
        )
      : undefined;
  }

  async #keep(
    id: string,
    entry: ImportedNumber,
    author: DocumentAuthor,
    what: string,
  ): Promise<Result<string>> {
    const document = { id, name: entry.number, text: JSON.stringify(entry) };
    const put = await this.#shelf.put(document, { ...author, what });
    if (put === 'full') return refused('full', 'There are as many numbers as there may be.');
    if (put !== 'kept') return refused('taken', 'The number is imported already: change it by its id.');
    this.#apply();
    const masked = maskNumber(entry.number);
    this.#parts.log.info('phone number changed over the api', { number: masked, what, who: author.who });
    return ok(id);
  }

  #imports(): ImportedNumbers {
    const numbers: ImportedNumbers['numbers'][number][] = [];
    const trunks: ImportedNumbers['trunks'][number][] = [];
    const passwords = new Map<string, string>();
    for (const [id, entry] of this.#shelf.all) {
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

  #apply(): void {
    const unreadable = [...this.#shelf.all.values()].filter(entry => entry === undefined).length;
    if (unreadable > 0) {
      this.#parts.log.error('imported phone numbers cannot be read: give the old DATA_KEY too', {
        unreadable,
      });
    }
    try {
      this.#parts.use(this.#imports());
    } catch (error) {
      this.#parts.log.error('imported phone numbers are not used', { error: messageOf(error) });
    }
  }
}

/** Calls go out over the trunk of a number from that number, whether an agent answers it or not, unless the trunk says `from`. */
const callingFrom = (number: string, { outbound, ...trunk }: ConfiguredTrunk): ConfiguredTrunk =>
  outbound === undefined ? trunk : { ...trunk, outbound: { from: number, ...outbound } };

/** Single numbers, called by their places in the file: no id tells a number to whoever may not see it; ranges and prefixes are no phone numbers. */
function configuredEntries({ numbers }: Config): NumberEntry[] {
  return numbers.flatMap(({ pattern, agentId, label, defaultCountry }, index) =>
    pattern.kind === 'number'
      ? [
          {
            id: `config_${index}`,
            ...{ number: pattern.number, label: label ?? pattern.number, provider: 'sip_trunk' as const },
            ...{ agentId, inbound: undefined, outbound: undefined, configured: true },
            ...(defaultCountry === undefined ? {} : { defaultCountry }),
          },
        ]
      : [],
  );
}

/** What is set at Twilio, and what was there before; nothing where calls come another way. */
function claimOf(
  found: FoundNumber,
  { inboundWanted, messagesWanted }: NumberWish,
  base: string | undefined,
): Result<Pick<NonNullable<ImportedNumber['twilio']>, 'ours' | 'before'>> {
  if (found.kind !== 'purchased' || found.onTrunk || !inboundWanted) return ok({});
  if (base === undefined) return refused('not-reachable', notReachable);
  const { smsUrl, smsMethod, smsApplicationSid, ...calls } = found.urls;
  // What is not ours is not put back: it may change meanwhile.
  const before = messagesWanted === true ? found.urls : calls;
  return ok({ ours: `${base}${twilioPaths.voice}`, before });
}

/** What somebody wants of a field: null takes it away, undefined leaves it. */
const changed = <T>(given: T | null | undefined, was: T | undefined): T | undefined =>
  given === undefined ? was : (given ?? undefined);

const publicBase = ({ http }: Config): string | undefined =>
  http.publicListen === undefined ? undefined : http.publicUrl;

function read(text: string | undefined): ImportedNumber | undefined {
  try {
    return documentShape.parse(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

const inConfiguration =
  'The number is in the configuration (numbers), which wins: change it there, then POST /v1/reload.';
const callerIdOnly =
  'The number is a verified caller id: calls may come from it, and none come to Twilio, so no agent can answer it. Only ' +
  'numbers that were bought at Twilio, or moved there, can have an agent.';
const notOfAccount =
  'The number is neither a number nor a verified caller id of the Twilio account that is connected.';
const notReachable =
  'Twilio cannot reach this bridge, so calls to the number would be lost: set PUBLIC_HTTP_LISTEN and PUBLIC_URL, or send ' +
  'supports_inbound: false to call from it alone.';

const refused = (code: string, message: string) => fail(new Failure(code, message));
const notFound = () => refused('not-found', 'There is no phone number of that id.');
