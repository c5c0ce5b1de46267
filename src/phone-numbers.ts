import { randomBytes } from 'node:crypto';
import type { Config } from './config/config.ts';
import { type ImportedNumbers, isConfigured, readImportedTrunk } from './config/imported.ts';
import { type ImportedNumber, importsOf, readImportedNumber } from './config/imported-number.ts';
import { toE164 } from './core/e164.ts';
import { Failure, fail, messageOf, ok, type Result } from './core/errors.ts';
import type { Logger } from './core/logger.ts';
import { maskNumber } from './core/mask.ts';
import type { NumberChange, NumberWish } from './http/phone-numbers.ts';
import type { DocumentAuthor, Documents } from './store/document.ts';
import type { TwilioConnection } from './twilio/connection.ts';
import { DocumentShelf } from './twilio/document-shelf.ts';
import {
  type ClaimWish,
  callerIdOnly,
  carryOutClaim,
  planClaim,
  releaseClaim,
} from './twilio/number-claim.ts';

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
    this.#shelf = new DocumentShelf({ kind: 'phone-number', documents, log, read: readImportedNumber });
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
    const used = rest.outbound === undefined || after.outbound !== undefined ? undefined : this.#usedBy(id);
    if (used !== undefined) return refused('in-use', used);
    const trouble = this.#trunkTrouble(id, after);
    if (trouble !== undefined) return fail(trouble);
    const kept = await this.#keep(id, after, author, 'changed');
    return kept.ok ? ok({ ...after, id, configured: false }) : kept;
  }

  /** `forced`: also where Twilio cannot be told, or transfers go over its trunk. */
  async remove(id: string, author: DocumentAuthor, forced: boolean): Promise<Result<void>> {
    await this.refresh();
    const entry = this.find(id);
    // One that was imported may go although the configuration names the number too.
    if (entry === undefined || !this.#shelf.all.has(id))
      return entry === undefined ? notFound() : refused('configured', inConfiguration);
    const used = forced ? undefined : this.#usedBy(id);
    if (used !== undefined) return refused('in-use', used);
    const { twilio, number } = entry;
    const released =
      twilio === undefined ? ok(undefined) : await releaseClaim(this.#parts.connection, twilio);
    if (!released.ok && !forced) return released;
    const how = released.ok ? released.value : 'not told';
    if (how !== undefined) {
      this.#parts.log.info('phone number released', { number: maskNumber(number), how });
    }
    await this.#shelf.remove(id, { ...author, what: 'removed' });
    this.#apply();
    return ok(undefined);
  }

  async #createTwilio(
    id: string,
    entry: ImportedNumber,
    { accountSid, inbound, outbound, inboundWanted, messagesWanted }: NumberWish,
    author: DocumentAuthor,
  ): Promise<Result<string>> {
    const { connection, configured } = this.#parts;
    const client = connection.client();
    if (!client.ok) return refused('not-connected', client.failure.message);
    const base = publicBase(configured());
    const wish: ClaimWish = {
      ...{ number: entry.number, accountSid, inboundWanted, messagesWanted },
      ...{ answered: entry.agentId !== undefined, trunkWanted: (inbound ?? outbound) !== undefined },
    };
    const claim = await planClaim(client.value, wish, base);
    if (!claim.ok) return claim;
    // Written first: what was there before must not be lost between the two.
    const kept = await this.#keep(id, { ...entry, twilio: claim.value }, author, 'imported');
    if (!kept.ok) return kept;
    const set = await carryOutClaim(client.value, claim.value, base, messagesWanted === true);
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

  /** A sentence, where the configuration has callers transferred over the trunk of a number. */
  #usedBy(id: string): string | undefined {
    const { transfers } = this.#parts.configured();
    const names = transfers.filter(({ trunk }) => trunk === id).map(({ name }) => name);
    return names.length === 0
      ? undefined
      : `Transfers go over the trunk of this number: ${names.join(', ')}. Change transfers in the configuration first.`;
  }

  #trunkTrouble(id: string, { inbound, outbound }: ImportedNumber): Failure | undefined {
    const read = readImportedTrunk(id, { inbound, outbound });
    if (!read.ok) return new Failure('invalid', read.failure);
    const names = new Set(read.value.trunks.map(({ username }) => username));
    names.delete(undefined);
    const others = [...importsOf(this.#shelf.all).trunks, ...this.#parts.configured().trunks];
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

  #apply(): void {
    const unreadable = [...this.#shelf.all.values()].filter(entry => entry === undefined).length;
    if (unreadable > 0) {
      this.#parts.log.error('imported phone numbers cannot be read: give the old DATA_KEY too', {
        unreadable,
      });
    }
    try {
      this.#parts.use(importsOf(this.#shelf.all));
    } catch (error) {
      this.#parts.log.error('imported phone numbers are not used', { error: messageOf(error) });
    }
  }
}

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

/** What somebody wants of a field: null takes it away, undefined leaves it. */
const changed = <T>(given: T | null | undefined, was: T | undefined): T | undefined =>
  given === undefined ? was : (given ?? undefined);

const publicBase = ({ http }: Config): string | undefined =>
  http.publicListen === undefined ? undefined : http.publicUrl;

const inConfiguration =
  'The number is in the configuration (numbers), which wins: change it there, then POST /v1/reload.';
const refused = (code: string, message: string) => fail(new Failure(code, message));
const notFound = () => refused('not-found', 'There is no phone number of that id.');
