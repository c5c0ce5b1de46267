import type { HeaderField } from '../sip/signalling.ts';
import { headerLimits } from './header-variables.ts';
import { cleanValue } from './text.ts';

/** Bounds of what is read of Identity (RFC 8224): octets of one value, and values. */
export const passportLimits = { valueBytes: 8_192, values: 2 } as const;

export interface PassportVariables {
  readonly variables: Readonly<Record<string, string>>;
  /** Values that were not passed on. */
  readonly dropped: number;
}

/**
 * The caller's signed identity (RFC 8224, RFC 8225) as data: `sip_identity` is the first Identity header as it came,
 * `sip_identity_attest` what the signer attests (RFC 8588: A, B or C). The signature is not verified here: it is the
 * word of the trunk that sent it, and counts from a trusted one alone.
 */
export function passportVariables(headers: readonly HeaderField[], trusted: boolean): PassportVariables {
  const values = headers.filter(({ name }) => name.toLowerCase() === 'identity').map(({ value }) => value);
  const read = trusted
    ? values.slice(0, passportLimits.values).filter(value => value.length <= passportLimits.valueBytes)
    : [];
  const raw = read.length === 0 ? undefined : cleanValue(read[0]!, headerLimits.valueBytes);
  const attest = read.map(attestation).find(level => level !== undefined);
  return {
    variables: {
      ...(raw === undefined ? {} : { sip_identity: raw }),
      ...(attest === undefined ? {} : { sip_identity_attest: attest }),
    },
    dropped: values.length - (raw === undefined ? 0 : 1),
  };
}

/** `attest` of the token's payload: header.payload.signature, each in base64url, then parameters. */
function attestation(value: string): string | undefined {
  const payload = value.split(';', 1)[0]?.split('.')[1];
  if (payload === undefined || payload === '') return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, 'base64url').toString('utf8'));
    const level = typeof claims === 'object' && claims !== null && 'attest' in claims ? claims.attest : '';
    return level === 'A' || level === 'B' || level === 'C' ? level : undefined;
  } catch {
    // What is not JSON attests nothing, and is no reason to refuse a call.
    return undefined;
  }
}
