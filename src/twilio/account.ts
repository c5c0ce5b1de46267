import { z } from 'zod';
import type { Result } from '../core/errors.ts';
import type { TwilioCaller } from './client.ts';
import type { TwilioFailure } from './failure.ts';
import { count, moment, shaped, text } from './shape.ts';

export interface AccountInfo {
  readonly name: string | undefined;
  /** active, suspended, closed. */
  readonly status: string;
  /** Trial or Full. */
  readonly type: string | undefined;
  readonly createdAt: string | undefined;
}

export interface AccountBalance {
  readonly balance: number;
  readonly currency: string | undefined;
}

/** A number of the account. */
export interface AccountNumber {
  /** PN…. */
  readonly sid: string;
  /** E.164. */
  readonly number: string;
  readonly name: string | undefined;
  readonly capabilities: {
    readonly voice: boolean;
    readonly sms: boolean;
    readonly mms: boolean;
    readonly fax: boolean;
  };
}

export interface UsageFilter {
  /** One of Twilio's categories, an open set: totalprice, sms-outbound, calls, lookups … */
  readonly category?: string | undefined;
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}

export interface UsageRecord {
  readonly category: string;
  readonly description: string | undefined;
  readonly count: number | undefined;
  readonly countUnit: string | undefined;
  readonly usage: number | undefined;
  readonly usageUnit: string | undefined;
  readonly price: number | undefined;
  readonly priceUnit: string | undefined;
}

type Answer<T> = Promise<Result<T, TwilioFailure>>;

const accountShape = z
  .object({ friendlyName: text, status: z.string(), type: text, dateCreated: moment })
  .transform(
    ({ friendlyName, dateCreated, ...rest }): AccountInfo => ({
      ...rest,
      name: friendlyName,
      createdAt: dateCreated,
    }),
  );

const balanceShape = z.object({ balance: z.coerce.number(), currency: text });

const yes = z
  .boolean()
  .nullish()
  .transform(value => value ?? false);

const numberShape = z
  .object({
    sid: z.string().min(1),
    phoneNumber: z.string().min(1),
    friendlyName: text,
    capabilities: z
      .object({ voice: yes, sms: yes, mms: yes, fax: yes })
      .nullish()
      .transform(value => value ?? { voice: false, sms: false, mms: false, fax: false }),
  })
  .transform(
    ({ phoneNumber, friendlyName, ...rest }): AccountNumber => ({
      ...rest,
      number: phoneNumber,
      name: friendlyName,
    }),
  );

const usageShape = z.object({
  category: z.string(),
  description: text,
  count,
  countUnit: text,
  usage: count,
  usageUnit: text,
  price: count,
  priceUnit: text,
});

/** The account itself. Twilio refuses that to a Standard API key (20003): it takes a Main key or the auth token. */
export function fetchAccount(client: TwilioCaller, signal?: AbortSignal): Answer<AccountInfo> {
  return client.call(
    async sdk => shaped(accountShape, await sdk.api.v2010.accounts(client.accountSid).fetch()),
    signal,
  );
}

export function fetchBalance(client: TwilioCaller, signal?: AbortSignal): Answer<AccountBalance> {
  return client.call(async sdk => shaped(balanceShape, await sdk.balance.fetch()), signal);
}

/** Numbers of the account, at most `limit` of them. */
export function listNumbers(
  client: TwilioCaller,
  limit: number,
  signal?: AbortSignal,
): Answer<AccountNumber[]> {
  return client.call(async sdk => {
    const listed = await sdk.incomingPhoneNumbers.list({ limit, pageSize: limit });
    return listed.map(each => shaped(numberShape, each));
  }, signal);
}

/** What was used and what it cost, by category; at most `limit` of them. */
export function listUsage(
  client: TwilioCaller,
  { category, from, to }: UsageFilter,
  limit: number,
  signal?: AbortSignal,
): Answer<UsageRecord[]> {
  return client.call(async sdk => {
    const listed = await sdk.usage.records.list({
      ...(category === undefined ? {} : { category }),
      ...(from === undefined ? {} : { startDate: from }),
      ...(to === undefined ? {} : { endDate: to }),
      limit,
      pageSize: limit,
    });
    return listed.map(each => shaped(usageShape, each));
  }, signal);
}
