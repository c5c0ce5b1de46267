import { connect, isIP, type Socket } from 'node:net';
import tls from 'node:tls';
import type { Clock } from '../../../core/clock.ts';
import { Failure, fail, ok, type Result } from '../../../core/errors.ts';
import type { NextHop } from '../../signalling.ts';
import type { StackLimits } from '../limits.ts';
import type { Census } from './census.ts';
import type { TlsMaterial } from './listener.ts';
import { SocketWire, tlsFault } from './socket-wire.ts';
import type { Wire } from './wire.ts';

export interface DialerOptions {
  readonly clock: Clock;
  readonly limits: StackLimits;
  readonly census: Census;
}

/**
 * Opens a connection to a hop, whose address has to be an IP literal: names that came from a peer are never looked up.
 * Fails with `address-not-literal`, `too-many-connections` or `connect-failed`; over TLS the certificate has to be good for the address (RFC 5922 section 7.1).
 */
export function dial(hop: NextHop, options: DialerOptions, material?: TlsMaterial): Promise<Result<Wire>> {
  const { clock, limits, census } = options;
  if (isIP(hop.address) === 0) {
    return Promise.resolve(
      fail(new Failure('address-not-literal', 'the next hop is a name, not an address')),
    );
  }
  const objection = census.objection(hop.address);
  if (objection !== undefined) {
    return Promise.resolve(fail(new Failure(objection, 'the next hop has all the connections it may have')));
  }
  return new Promise(resolve => {
    const socket = openSocket(hop, material);
    census.enter(socket, hop.address);
    const give = (why: string) => {
      socket.destroy();
      resolve(fail(new Failure('connect-failed', why)));
    };
    const timer = clock.timer(limits.connectMs, () => give(`no connection within ${limits.connectMs} ms`));
    const onError = (error: Error) => give(dialFault(error));
    socket.once('error', onError);
    socket.once('close', () => timer.cancel());
    socket.once(hop.transport === 'tls' ? 'secureConnect' : 'connect', () => {
      timer.cancel();
      socket.off('error', onError);
      resolve(ok(new SocketWire(socket, hop.transport, clock, limits.lingerMs)));
    });
  });
}

/** What kept us from connecting, as constant text with the code of the system or of OpenSSL. */
function dialFault(error: Error): string {
  const fault = tlsFault(error);
  const code = 'code' in error ? String(error.code) : 'an unknown error';
  if (fault === undefined) return `it could not be connected to (${code})`;
  return /^(ERR_TLS_CERT_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)
    ? `${fault}, its certificate is not good for us (outbound_trunk_config: address, tls_ca, tls_verify)`
    : fault;
}

function openSocket(hop: NextHop, material: TlsMaterial | undefined): Socket {
  const where = { host: hop.address, port: hop.port };
  if (hop.transport === 'tcp') return connect(where);
  const roots = hop.ca ?? material?.ca;
  const ca = roots === undefined ? {} : { ca: roots };
  // Shown to peers that ask for one, and to no others.
  const own = material === undefined ? {} : { cert: material.cert, key: material.key };
  // RFC 6066 section 3 has no literal addresses in SNI: such a certificate is checked against the address itself.
  const name =
    hop.serverName !== undefined && isIP(hop.serverName) === 0 ? { servername: hop.serverName } : {};
  return tls.connect({
    ...where,
    ...ca,
    ...own,
    ...name,
    minVersion: 'TLSv1.2',
    rejectUnauthorized: hop.verify !== false,
  });
}
