import { constants } from 'node:crypto';
import tls from 'node:tls';

/** A certificate chain with its key, PEM. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** PEM texts. `ca` verifies the peers, those we connect to and those that give a certificate, in place of the system's roots. */
export interface TlsMaterial extends Certified {
  readonly ca?: string;
  /** Certificates for clients that ask for one of these names (SNI). */
  readonly named?: readonly (Certified & { readonly names: readonly string[] })[];
}

/** Whether peers that connect are asked for a certificate. */
export type ClientCertificate = 'none' | 'optional' | 'required';

/** TLS 1.2 and 1.3, and no renegotiation. */
export const tlsPolicy = {
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** What a server shows with a material: its certificate, and what verifies the peer's. */
export function contextOptions({ cert, key }: Certified, ca: string | undefined): tls.SecureContextOptions {
  return { ...tlsPolicy, cert, key, ...(ca === undefined ? {} : { ca }) };
}

/** Contexts by the name that clients ask for. */
export class NamedContexts {
  readonly #contexts = new Map<string, tls.SecureContext>();

  constructor({ named = [], ca }: TlsMaterial) {
    for (const { names, ...certified } of named) {
      const context = tls.createSecureContext(contextOptions(certified, ca));
      for (const name of names) this.#contexts.set(name.toLowerCase(), context);
    }
  }

  /** The context for exactly this name, else for `*.` and its parent; undefined leaves the default. */
  find(servername: string): tls.SecureContext | undefined {
    const name = servername.toLowerCase();
    const dot = name.indexOf('.');
    return this.#contexts.get(name) ?? (dot < 0 ? undefined : this.#contexts.get(`*${name.slice(dot)}`));
  }
}
