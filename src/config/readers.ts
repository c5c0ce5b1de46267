import { isIP } from 'node:net';
import { availableParallelism } from 'node:os';
import ipaddr from 'ipaddr.js';
import { countryOf } from '../core/e164.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { microsOf } from '../core/money.ts';
import { type HostPort, isLoopback, readHostPort } from './listen.ts';

/** A value as the environment (always text) or the file (text, number, boolean, list) gives it. */
export type Raw = string | number | boolean | readonly (string | number)[];

/** Turns a raw value into a setting, or says in one clause what is wrong with it. Never repeats a secret. */
export type Reader<T> = (raw: Raw) => Result<T, string>;

/** Both ends included. */
export interface PortRange {
  readonly first: number;
  readonly last: number;
}

const single = (raw: Raw): string | undefined => (Array.isArray(raw) ? undefined : String(raw).trim());

/** Text that is not empty. `shape` narrows it; `says` describes the shape. */
export function text(shape?: RegExp, says = ''): Reader<string> {
  return raw => {
    const value = single(raw);
    if (value === undefined || value === '') return fail('must be text that is not empty');
    return shape === undefined || shape.test(value) ? ok(value) : fail(`must be ${says}`);
  };
}

/** A country by ISO 3166-1: the two capital letters of one that has telephone numbers. */
export const country: Reader<string> = raw => {
  const given = single(raw) ?? '';
  return countryOf(given) === given
    ? ok(given)
    : fail('must be a country code of two capital letters, like DE');
};

/** Money, as millionths of the currency. */
export const amount: Reader<number> = raw => {
  const micros = Array.isArray(raw) ? undefined : microsOf(String(raw).trim());
  return micros === undefined ? fail('must be an amount like 5 or 0.0079') : ok(micros);
};

export function integer(least: number, most: number): Reader<number> {
  return raw => {
    const value = single(raw);
    const number = value !== undefined && /^-?\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
    return number >= least && number <= most
      ? ok(number)
      : fail(`must be a whole number from ${least} to ${most}`);
  };
}

/** A part of a whole, above 0 and at most 1. */
export const share: Reader<number> = raw => {
  const value = Number(single(raw) || Number.NaN);
  return value > 0 && value <= 1 ? ok(value) : fail('must be a share above 0 and at most 1');
};

const yes = ['true', 'yes', 'on', '1'];
const no = ['false', 'no', 'off', '0'];

export const flag: Reader<boolean> = raw => {
  const value = single(raw)?.toLowerCase() ?? '';
  if (yes.includes(value)) return ok(true);
  return no.includes(value) ? ok(false) : fail('must be true or false');
};

export function choice<T extends string>(options: readonly T[]): Reader<T> {
  return raw => {
    const value = single(raw);
    const found = options.find(option => option === value);
    return found === undefined ? fail(`must be one of ${options.join(', ')}`) : ok(found);
  };
}

/** A list: in the file a YAML list or comma-separated text, in the environment the latter. */
export function list<T>(item: (text: string) => Result<T, string>, allowEmpty = false): Reader<readonly T[]> {
  return raw => {
    const parts = (Array.isArray(raw) ? raw.map(String) : String(raw).split(','))
      .map(part => part.trim())
      .filter(part => part !== '');
    if (parts.length === 0 && !allowEmpty) return fail('must name at least one');
    const values: T[] = [];
    for (const part of parts) {
      const value = item(part);
      if (!value.ok) return value;
      values.push(value.value);
    }
    return ok(values);
  };
}

/** One CIDR, or a bare address for just that one. */
export function cidr(text: string): Result<string, string> {
  const whole = isIP(text) === 4 ? `${text}/32` : isIP(text) === 6 ? `${text}/128` : text;
  return ipaddr.isValidCIDR(whole) && isIP(whole.split('/')[0] ?? '') !== 0
    ? ok(whole)
    : fail(`"${text}" is not a network; write it like 10.0.0.0/8 or 2001:db8::/32`);
}

export const address: Reader<string> = raw => {
  const value = single(raw) ?? '';
  return isIP(value) !== 0 ? ok(value) : fail(`must be an IP address, not a host name`);
};

/** An http(s) base URL. Plain http is for stand-ins on this machine; keys must not cross a network in the clear. */
export function baseUrl(only?: 'loopback'): Reader<string> {
  return raw => {
    const value = single(raw) ?? '';
    const url = URL.canParse(value) ? new URL(value) : undefined;
    if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:')) {
      return fail('must be a URL that begins with https://');
    }
    if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
      return fail('must be a plain base URL, without user, query or fragment');
    }
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const near = host === 'localhost' || isLoopback(host);
    if (only === 'loopback' && !near) return fail('must be on this machine (localhost, 127.0.0.1 or [::1])');
    if (url.protocol === 'http:' && !near)
      return fail('must begin with https://; plain http is taken only on loopback');
    return ok(`${url.origin}${url.pathname}`.replace(/\/+$/, ''));
  };
}

export const hostPort: Reader<HostPort> = raw => readHostPort(single(raw) ?? '');

/** `10000-20000`. A call takes an even port and the odd one above it (RFC 3550 section 11). */
export const portRange: Reader<PortRange> = raw => {
  const match = /^(\d{1,5})-(\d{1,5})$/.exec(single(raw) ?? '');
  const first = Number(match?.[1]);
  const last = Number(match?.[2]);
  if (match === null || first < 1024 || last > 65_535)
    return fail('must be like 10000-20000, from 1024 to 65535');
  return last - first >= 3
    ? ok({ first, last })
    : fail('must hold at least two pairs of ports, like 10000-10003');
};

/** A number of worker threads; `auto` leaves one core to the main thread. */
export function workerCount(cores: () => number = availableParallelism): Reader<number> {
  return raw => {
    if (single(raw) === 'auto') return ok(Math.max(1, cores() - 1));
    const count = integer(1, 256)(raw);
    return count.ok ? count : fail('must be auto or a whole number from 1 to 256');
  };
}

/** YAML makes a number of digits behind a plus: it is taken as it was meant. */
export const plused =
  (reader: Reader<readonly string[]>): Reader<readonly string[]> =>
  raw =>
    reader(
      typeof raw === 'number'
        ? `+${raw}`
        : Array.isArray(raw)
          ? raw.map(item => (typeof item === 'number' ? `+${item}` : item))
          : raw,
    );
