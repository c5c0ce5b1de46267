import { parsePhoneNumberFromString, validatePhoneNumberLength } from 'libphonenumber-js';
import type { SimAnswer, SimErrorCode } from './errors.ts';
import { simError } from './errors.ts';
import type { SimRoute, SimRouted } from './router.ts';

/** Packages of Lookup v2, with what they say unless the stand-in was told otherwise. */
const packages: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  line_type_intelligence: {
    type: 'mobile',
    carrier_name: 'Stand-in Wireless',
    mobile_country_code: '310',
    mobile_network_code: '456',
  },
  caller_name: { caller_name: 'STAND IN', caller_type: 'CONSUMER' },
  line_status: { status: 'active' },
  sim_swap: {
    last_sim_swap: { last_sim_swap_date: null, swapped_period: 'PT24H', swapped_in_period: false },
    carrier_name: 'Stand-in Wireless',
    mobile_country_code: '310',
    mobile_network_code: '456',
  },
  call_forwarding: { call_forwarding_enabled: false },
  identity_match: { first_name_match: 'no_data_available', summary_score: 0, error_message: null },
  reassigned_number: { last_verified_date: '2024-12-27', is_number_reassigned: 'no' },
  sms_pumping_risk: {
    carrier_risk_category: 'low',
    number_blocked: false,
    number_blocked_date: null,
    number_blocked_last_3_months: null,
    sms_pumping_risk_score: 3,
  },
  phone_number_quality_score: { quality_score: 90, quality_category: 'high' },
  pre_fill: { first_name: 'Stand', last_name: 'In' },
};

/** What the stand-in says of one number: parts of packages by name, or an error code inside of one. */
export type SimLookupFacts = Readonly<Record<string, Readonly<Record<string, unknown>> | number>>;

/** Why a number is none, in the words of `libphonenumber-js` and of Lookup. */
const objections: Readonly<Record<string, string>> = {
  TOO_SHORT: 'TOO_SHORT',
  TOO_LONG: 'TOO_LONG',
  INVALID_LENGTH: 'INVALID_LENGTH',
  INVALID_COUNTRY: 'INVALID_COUNTRY_CODE',
};

/** Lookup v2: whether a number can be one, and what the packages say of it. */
export class SimLookup {
  readonly #facts = new Map<string, SimLookupFacts>();
  readonly #refusals = new Map<string, SimErrorCode>();

  get routes(): readonly SimRoute[] {
    return [['GET', '/v2/PhoneNumbers/{number}', request => this.#fetch(request)]];
  }

  /** `{line_type_intelligence: {type: 'landline'}}` or, for an error inside of a 200, `{caller_name: 60600}`. */
  say(number: string, facts: SimLookupFacts): void {
    this.#facts.set(number, facts);
  }

  /** From now on asking for that number is refused with `code`; undefined takes that back. */
  refuse(number: string, code: SimErrorCode | undefined): void {
    if (code === undefined) this.#refusals.delete(number);
    else this.#refusals.set(number, code);
  }

  #fetch({ at, query }: SimRouted): SimAnswer {
    const asked = at['number'] ?? '';
    const fields = (query.get('Fields') ?? '').split(',').filter(Boolean);
    const unknown = fields.find(field => field !== 'validation' && packages[field] === undefined);
    if (unknown !== undefined) return simError(60200, `Fields: ${unknown}`);
    const country = query.get('CountryCode');
    const options = country === null ? {} : { defaultCountry: country as 'US' };
    const number = parsePhoneNumberFromString(asked, options);
    const refused = this.#refusals.get(number?.number ?? asked);
    if (refused !== undefined) return simError(refused, asked);
    const valid = number?.isValid() === true;
    const none = Object.keys(packages).map(name => [name, null] as const);
    const found = valid ? fields.map(name => [name, this.#package(number.number, name)] as const) : [];
    return {
      status: 200,
      body: {
        phone_number: number?.number ?? asked,
        calling_country_code: valid ? number.countryCallingCode : null,
        country_code: valid ? (number.country ?? null) : null,
        national_format: valid ? number.formatNational() : null,
        valid,
        validation_errors: valid ? [] : [objectionTo(asked, options)],
        ...Object.fromEntries([...none, ...found.filter(([name]) => name !== 'validation')]),
        url: `https://lookups.twilio.com/v2/PhoneNumbers/${number?.number ?? encodeURIComponent(asked)}`,
      },
    };
  }

  #package(number: string, name: string): Record<string, unknown> {
    const said = this.#facts.get(number)?.[name];
    const usual = packages[name] ?? {};
    if (typeof said !== 'number') return { ...usual, ...said, error_code: null };
    return { ...Object.fromEntries(Object.keys(usual).map(key => [key, null])), error_code: said };
  }
}

function objectionTo(text: string, options: object): string {
  if (!/\d/.test(text)) return 'NOT_A_NUMBER';
  const problem = validatePhoneNumberLength(text, options);
  return problem === undefined ? 'INVALID_BUT_POSSIBLE' : (objections[problem] ?? 'NOT_A_NUMBER');
}
