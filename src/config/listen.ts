import { isIP } from 'node:net';
import { fail, ok, type Result } from '../core/errors.ts';

/** An address to listen on: IP literal without brackets, port 0..65535 (0: any free one). */
export interface HostPort {
  readonly address: string;
  readonly port: number;
}

/** Whether peers that connect over TLS are asked for a certificate. */
export const clientCertificates = ['none', 'optional', 'required'] as const;
export type ClientCertificate = (typeof clientCertificates)[number];

export interface SipListen extends HostPort {
  readonly transport: 'tcp' | 'tls';
  /** Of a tls address that says so itself: `tls://0.0.0.0:5061?client_certificate=required`. */
  readonly clientCertificate?: ClientCertificate;
}

const defaultSipPorts = { tcp: 5060, tls: 5061 } as const;

/** Reads `127.0.0.1:8080` or `[::1]:8080`; the port may be left out when there is a default. */
export function readHostPort(text: string, defaultPort?: number): Result<HostPort, string> {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text);
  const address = match?.[1] ?? match?.[2] ?? '';
  const version = match?.[1] === undefined ? 4 : 6;
  if (isIP(address) !== version) {
    return fail(`"${text}" is not an address:port; write 127.0.0.1:8080, or [::1]:8080 for IPv6`);
  }
  const port = match?.[3] === undefined ? defaultPort : Number(match[3]);
  if (port === undefined || port > 65_535) return fail(`"${text}" needs a port from 0 to 65535`);
  return ok({ address, port });
}

/** Reads one `tcp://0.0.0.0:5060` or `tls://[::]:5061`. */
export function readSipListen(text: string): Result<SipListen, string> {
  const [scheme = '', rest] = text.split('://', 2);
  const transport = scheme.toLowerCase();
  if (rest === undefined || (transport !== 'tcp' && transport !== 'tls')) {
    return fail(
      transport === 'udp'
        ? 'SIP over UDP is not offered; use tcp:// or tls://'
        : `"${text}" must begin with tcp:// or tls://, for instance tcp://0.0.0.0:5060`,
    );
  }
  const [where = '', query] = rest.split('?', 2);
  const wanted = clientCertificates.find(word => query === `client_certificate=${word}`);
  if (query !== undefined && (wanted === undefined || transport === 'tcp')) {
    const words = clientCertificates.join(', ');
    return fail(`"${text}" may end with ?client_certificate=, for tls:// only, and then one of ${words}`);
  }
  const host = readHostPort(where, defaultSipPorts[transport]);
  return host.ok
    ? ok({ transport, ...host.value, ...(wanted === undefined ? {} : { clientCertificate: wanted }) })
    : fail(host.failure.replace('127.0.0.1:8080', '0.0.0.0:5060').replace('[::1]:8080', '[::]:5060'));
}

/** The address as it is written in a configuration. */
export function writeHostPort({ address, port }: HostPort): string {
  return `${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** True for addresses that only this machine can reach. */
export function isLoopback(address: string): boolean {
  return address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address);
}
