import { type SimAnswer, simError } from './errors.ts';
import { listByUri } from './paging.ts';
import { rfc2822, type SimOwner, uriOf } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

export interface SimAccountOptions extends SimOwner {
  /** SIDs of the API keys that are valid. */
  readonly keys: () => readonly string[];
  readonly authToken: () => string;
}

/** What was used of one category since the account began. Twilio writes numbers as texts. */
export interface SimUsage {
  readonly category: string;
  readonly description: string;
  readonly count: string;
  readonly countUnit: string;
  readonly price: string;
}

const periods = ['', 'Today', 'Yesterday', 'ThisMonth', 'LastMonth', 'Daily', 'Monthly', 'Yearly', 'AllTime'];
const dayMs = 86_400_000;

/** The account itself: what it is called, what it owes and what it has used. */
export class SimAccount {
  status: 'active' | 'suspended' | 'closed' = 'active';
  type: 'Full' | 'Trial' = 'Full';
  friendlyName = 'Stand-in';
  balance = '42.17';
  currency = 'USD';
  usage: readonly SimUsage[] = [
    { category: 'totalprice', description: 'Total Price', count: '', countUnit: '', price: '12.34' },
    { category: 'sms', description: 'SMS', count: '120', countUnit: 'messages', price: '0.948' },
    {
      category: 'sms-outbound',
      description: 'SMS Outbound',
      count: '100',
      countUnit: 'messages',
      price: '0.79',
    },
    { category: 'calls', description: 'Voice Minutes', count: '31', countUnit: 'calls', price: '1.092' },
    { category: 'lookups', description: 'Lookups', count: '7', countUnit: 'lookups', price: '0.056' },
  ];
  readonly #options: SimAccountOptions;
  readonly #born: number;

  constructor(options: SimAccountOptions) {
    this.#options = options;
    this.#born = options.clock.wall();
  }

  get routes(): readonly SimRoute[] {
    const account = '/2010-04-01/Accounts/{account}';
    return [
      ['GET', '/2010-04-01/Accounts/{account}.json', () => ({ status: 200, body: this.#resource() })],
      ['GET', `${account}/Balance.json`, () => this.#answerBalance()],
      ['GET', `${account}/Keys.json`, request => this.#listKeys(request)],
      ...periods.map(
        period =>
          [
            'GET',
            `${account}/Usage/Records${period === '' ? '' : `/${period}`}.json`,
            request => this.#listUsage(period, request),
          ] as const satisfies SimRoute,
      ),
    ];
  }

  #answerBalance(): SimAnswer {
    const { balance, currency } = this;
    return { status: 200, body: { account_sid: this.#options.accountSid, balance, currency } };
  }

  #listKeys({ path, query }: SimRouted): SimAnswer {
    const items = this.#options.keys().map(sid => ({
      sid,
      friendly_name: 'key',
      date_created: rfc2822(this.#born),
      date_updated: rfc2822(this.#born),
    }));
    return listByUri('keys', items, path, query);
  }

  #listUsage(period: string, { path, query }: SimRouted): SimAnswer {
    const category = query.get('Category');
    const span = this.#span(period, query);
    if (span === undefined) return simError(20001);
    const found = this.usage.filter(each => category === null || each.category === category);
    const items = found.map(each => this.#usageResource(each, span));
    return listByUri('usage_records', items, path, query);
  }

  /** First and last day that are asked for; undefined where a date is none. */
  #span(period: string, query: URLSearchParams): readonly [string, string] | undefined {
    const now = this.#options.clock.wall();
    const at = (text: string | null, otherwise: number) => {
      if (text === null) return otherwise;
      const days = /^([+-]\d{1,4})days?$/.exec(text)?.[1];
      return days === undefined ? dateOf(text) : now + Number(days) * dayMs;
    };
    const usual = period === 'Today' ? now : period === 'Yesterday' ? now - dayMs : now - 30 * dayMs;
    const start = at(query.get('StartDate'), usual);
    const end = at(query.get('EndDate'), period === 'Yesterday' ? now - dayMs : now);
    return Number.isNaN(start) || Number.isNaN(end) ? undefined : [day(start), day(end)];
  }

  #usageResource(usage: SimUsage, [start, end]: readonly [string, string]): Record<string, unknown> {
    const { accountSid, clock } = this.#options;
    const { category, description, count, countUnit, price } = usage;
    const at = (period: string) =>
      `${uriOf(accountSid, `Usage/Records${period === '' ? '' : `/${period}`}`)}?Category=${category}`;
    return {
      account_sid: accountSid,
      category,
      description,
      count: count === '' ? null : count,
      count_unit: countUnit,
      usage: count === '' ? price : count,
      usage_unit: countUnit === '' ? 'usd' : countUnit,
      price,
      price_unit: 'usd',
      start_date: start,
      end_date: end,
      as_of: new Date(clock.wall()).toISOString().replace(/\.\d+Z$/, '+00:00'),
      api_version: '2010-04-01',
      uri: at(''),
      subresource_uris: { today: at('Today'), all_time: at('AllTime') },
    };
  }

  #resource(): Record<string, unknown> {
    const { accountSid, clock } = this.#options;
    return {
      sid: accountSid,
      owner_account_sid: accountSid,
      friendly_name: this.friendlyName,
      status: this.status,
      type: this.type,
      // The real one answers it too: whoever shows an account must leave it out.
      auth_token: this.#options.authToken(),
      date_created: rfc2822(this.#born),
      date_updated: rfc2822(clock.wall()),
      uri: `/2010-04-01/Accounts/${accountSid}.json`,
      subresource_uris: { messages: uriOf(accountSid, 'Messages'), calls: uriOf(accountSid, 'Calls') },
    };
  }
}

const day = (wallMs: number) => new Date(wallMs).toISOString().slice(0, 10);
const dateOf = (text: string) => (/^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : Number.NaN);
