import { X509Certificate } from 'node:crypto';
import { Gauge, type Registry } from 'prom-client';

/** A certificate that is in use. */
export interface CertificateInUse {
  /** What it is called in the metric: a name that it is for, or `default`. */
  readonly name: string;
  /** PEM text; of a chain the first one counts. */
  readonly cert: string;
}

/** Tells for each certificate how many seconds are left until it ends; negative once it has. */
export class CertificateExpiry {
  #ends: readonly { readonly name: string; readonly at: number }[] = [];

  constructor(registry: Registry, prefix: string, wall: () => number = Date.now) {
    const ends = () => this.#ends;
    new Gauge({
      name: `${prefix}tls_certificate_expiry_seconds`,
      help: 'Seconds until a certificate of the SIP listeners ends',
      labelNames: ['certificate'],
      registers: [registry],
      collect() {
        this.reset();
        for (const { name, at } of ends()) this.set({ certificate: name }, Math.floor((at - wall()) / 1000));
      },
    });
  }

  /** From now on these are in use. */
  use(certificates: readonly CertificateInUse[]): void {
    this.#ends = certificates.map(({ name, cert }) => ({
      name,
      at: Date.parse(new X509Certificate(cert).validTo),
    }));
  }
}
