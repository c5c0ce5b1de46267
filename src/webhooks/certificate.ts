import * as tls from 'node:tls';
import { Failure } from '../core/errors.ts';

/** What a server of webhooks is checked with: the usual authorities, those of NODE_EXTRA_CA_CERTS among them, and the operator's own. */
export function authorities(own: string): string[] {
  // Older than Node 22.15 there are the built-in ones alone.
  const usual = (tls as Partial<Pick<typeof tls, 'getCACertificates'>>).getCACertificates?.('default');
  return [...(usual ?? tls.rootCertificates), own];
}

const unknownAuthority = 'it is from an authority that is not known here: set webhooks.tls_ca to that one';
const wrongName = 'it is for another name: use one in the URL that it is for, or have one issued for this';

/** What is wrong with a certificate and what to do about it, by the code that TLS gives. */
const problems: Readonly<Record<string, string>> = {
  CERT_UNTRUSTED: unknownAuthority,
  DEPTH_ZERO_SELF_SIGNED_CERT: unknownAuthority,
  SELF_SIGNED_CERT_IN_CHAIN: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT: unknownAuthority,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownAuthority,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownAuthority,
  CERT_SIGNATURE_FAILURE: unknownAuthority,
  ERR_TLS_CERT_ALTNAME_INVALID: wrongName,
  HOSTNAME_MISMATCH: wrongName,
  CERT_HAS_EXPIRED: 'it has expired: renew it on that server',
  CERT_NOT_YET_VALID: 'it is not valid yet: look at the clocks of both machines',
  CERT_REVOKED: 'it was revoked: renew it on that server',
};

/** What became of a connection that could not be made. The texts of the system hold addresses, and those of TLS whole certificates. */
export function unreachable(code: string | undefined): Failure {
  const word = /^[A-Z0-9_]{1,64}$/.test(code ?? '') ? code : 'an unknown error';
  const problem = problems[code ?? ''];
  if (problem !== undefined)
    return new Failure('webhook-certificate', `its certificate is refused (${word}): ${problem}`);
  if (code === 'EPROTO' || code?.startsWith('ERR_SSL_') === true)
    return new Failure('webhook-unreachable', `it does not speak TLS as it should (${word}): is it https?`);
  return new Failure('webhook-unreachable', `it cannot be reached (${word})`);
}
