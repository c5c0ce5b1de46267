import { type SimAnswer, simError } from './errors.ts';
import { listByUri } from './paging.ts';
import { newSid, rfc2822, type SimOwner, uriOf } from './resource.ts';
import type { SimRoute, SimRouted } from './router.ts';

export interface SimCapabilities {
  readonly voice: boolean;
  readonly sms: boolean;
  readonly mms: boolean;
}

/** A number that the account has bought. */
export interface SimNumber {
  readonly sid: string;
  readonly phoneNumber: string;
  friendlyName: string;
  readonly capabilities: SimCapabilities;
  readonly created: number;
  updated: number;
  /** What can be set: by Twilio's own names, such as VoiceUrl. */
  readonly settings: Map<string, string>;
}

/** A number that somebody proved to be theirs: calls may show it, and nothing more. */
export interface SimCallerId {
  readonly sid: string;
  readonly phoneNumber: string;
  readonly friendlyName: string;
  readonly created: number;
}

/** Settings of a number that the stand-in keeps, with what they are called in answers and what they are at first. */
const settings: readonly (readonly [name: string, field: string, first: string | null])[] = [
  ['VoiceUrl', 'voice_url', null],
  ['VoiceMethod', 'voice_method', 'POST'],
  ['VoiceFallbackUrl', 'voice_fallback_url', null],
  ['VoiceFallbackMethod', 'voice_fallback_method', 'POST'],
  ['VoiceApplicationSid', 'voice_application_sid', null],
  ['StatusCallback', 'status_callback', ''],
  ['StatusCallbackMethod', 'status_callback_method', 'POST'],
  ['SmsUrl', 'sms_url', ''],
  ['SmsMethod', 'sms_method', 'POST'],
  ['SmsFallbackUrl', 'sms_fallback_url', ''],
  ['SmsFallbackMethod', 'sms_fallback_method', 'POST'],
  ['SmsApplicationSid', 'sms_application_sid', null],
  ['TrunkSid', 'trunk_sid', null],
];

/** The account's own numbers and the caller ids that were verified for it. */
export class SimNumbers {
  /** Oldest first. */
  readonly bought: SimNumber[] = [];
  readonly callerIds: SimCallerId[] = [];
  readonly #owner: SimOwner;

  constructor(owner: SimOwner) {
    this.#owner = owner;
  }

  get routes(): readonly SimRoute[] {
    const account = '/2010-04-01/Accounts/{account}';
    return [
      ['GET', `${account}/IncomingPhoneNumbers.json`, request => this.#list(request)],
      ['GET', `${account}/IncomingPhoneNumbers/{sid}.json`, ({ at }) => this.#fetch(at['sid'])],
      ['POST', `${account}/IncomingPhoneNumbers/{sid}.json`, ({ at, form }) => this.#update(at['sid'], form)],
      ['GET', `${account}/OutgoingCallerIds.json`, request => this.#listCallerIds(request)],
    ];
  }

  /** The account buys a number; it can do everything unless told otherwise. */
  buy(phoneNumber: string, capabilities: Partial<SimCapabilities> = {}): SimNumber {
    const now = this.#owner.clock.wall();
    const bought: SimNumber = {
      sid: newSid('PN'),
      phoneNumber,
      friendlyName: phoneNumber,
      capabilities: { voice: true, sms: true, mms: true, ...capabilities },
      created: now,
      updated: now,
      settings: new Map(),
    };
    this.bought.push(bought);
    return bought;
  }

  /** Somebody's own number is verified as a caller id. */
  verifyCallerId(phoneNumber: string, friendlyName = phoneNumber): SimCallerId {
    const verified = { sid: newSid('PN'), phoneNumber, friendlyName, created: this.#owner.clock.wall() };
    this.callerIds.push(verified);
    return verified;
  }

  find(phoneNumber: string): SimNumber | undefined {
    return this.bought.find(number => number.phoneNumber === phoneNumber);
  }

  /** Whether calls may come from that number. */
  mayCall(phoneNumber: string): boolean {
    return (
      this.find(phoneNumber)?.capabilities.voice === true ||
      this.callerIds.some(verified => verified.phoneNumber === phoneNumber)
    );
  }

  #list({ query, path }: SimRouted): SimAnswer {
    const asked = query.get('PhoneNumber');
    const name = query.get('FriendlyName');
    const found = this.bought.filter(
      number =>
        (asked === null || matches(number.phoneNumber, asked)) &&
        (name === null || number.friendlyName === name),
    );
    const items = found.map(number => this.#resource(number));
    return listByUri('incoming_phone_numbers', items, path, query);
  }

  #fetch(sid: string | undefined): SimAnswer {
    const number = this.bought.find(each => each.sid === sid);
    if (number === undefined) return simError(20404, `IncomingPhoneNumbers/${sid}`);
    return { status: 200, body: this.#resource(number) };
  }

  #update(sid: string | undefined, form: URLSearchParams): SimAnswer {
    const number = this.bought.find(each => each.sid === sid);
    if (number === undefined) return simError(20404, `IncomingPhoneNumbers/${sid}`);
    for (const [name] of settings) {
      const value = form.get(name);
      if (value !== null) number.settings.set(name, value);
    }
    number.friendlyName = form.get('FriendlyName') ?? number.friendlyName;
    number.updated = this.#owner.clock.wall();
    return { status: 200, body: this.#resource(number) };
  }

  #listCallerIds({ query, path }: SimRouted): SimAnswer {
    const asked = query.get('PhoneNumber');
    const name = query.get('FriendlyName');
    const found = this.callerIds.filter(
      verified =>
        (asked === null || verified.phoneNumber === asked) &&
        (name === null || verified.friendlyName === name),
    );
    const items = found.map(({ sid, phoneNumber, friendlyName, created }) => ({
      sid,
      account_sid: this.#owner.accountSid,
      phone_number: phoneNumber,
      friendly_name: friendlyName,
      date_created: rfc2822(created),
      date_updated: rfc2822(created),
      uri: uriOf(this.#owner.accountSid, `OutgoingCallerIds/${sid}`),
    }));
    return listByUri('outgoing_caller_ids', items, path, query);
  }

  #resource(number: SimNumber): Record<string, unknown> {
    const { accountSid } = this.#owner;
    return {
      sid: number.sid,
      account_sid: accountSid,
      phone_number: number.phoneNumber,
      friendly_name: number.friendlyName,
      capabilities: { ...number.capabilities, fax: false },
      ...Object.fromEntries(
        settings.map(([name, field, first]) => [field, number.settings.get(name) ?? first]),
      ),
      voice_receive_mode: 'voice',
      voice_caller_id_lookup: false,
      address_requirements: 'none',
      address_sid: null,
      identity_sid: null,
      bundle_sid: null,
      emergency_status: 'Inactive',
      emergency_address_sid: null,
      emergency_address_status: 'unregistered',
      beta: false,
      origin: 'twilio',
      status: 'in-use',
      type: 'local',
      api_version: '2010-04-01',
      date_created: rfc2822(number.created),
      date_updated: rfc2822(number.updated),
      uri: uriOf(accountSid, `IncomingPhoneNumbers/${number.sid}`),
    };
  }
}

/** Twilio's pattern for a number: digits, with `*` for any. */
function matches(number: string, pattern: string): boolean {
  const digits = pattern.replace(/[^\d*]/g, '');
  return new RegExp(digits.replaceAll('*', '\\d')).test(number.replace(/\D/g, ''));
}
