import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectSecure } from 'node:tls';
import { systemClock } from '../core/clock.ts';
import { Failure, fail, ok, type Result } from '../core/errors.ts';
import type { AddressGuard } from './address-guard.ts';
import { authorities, unreachable } from './certificate.ts';
import { webhookLimits } from './limits.ts';
import { literalObjection, NameLookup } from './name-lookup.ts';

/** Connects to where a webhook goes, as the client does, and sends nothing. */
export function probe(text: string, guard: AddressGuard, ca?: string): Promise<Result<void>> {
  const url = new URL(text);
  const secure = url.protocol === 'https:';
  const objection = literalObjection(url.hostname, guard, secure);
  if (objection !== undefined)
    return Promise.resolve(fail(new Failure('webhook-forbidden-address', objection)));
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port) || (secure ? 443 : 80);
  const where = { host, port, lookup: new NameLookup(systemClock).checked(() => guard, secure) };
  const socket: Socket = secure
    ? connectSecure({
        ...where,
        ...(isIP(host) === 0 ? { servername: host } : {}),
        ...(ca === undefined ? {} : { ca: authorities(ca) }),
      })
    : connectPlain(where);
  return new Promise(resolve => {
    const settle = (result: Result<void>) => {
      socket.destroy();
      resolve(result);
    };
    socket.once(secure ? 'secureConnect' : 'connect', () => settle(ok(undefined)));
    socket.once('error', error => settle(fail(failureOf(error))));
    socket.setTimeout(webhookLimits.connectMs, () =>
      settle(
        fail(
          new Failure(
            'webhook-timeout',
            `it did not let itself be connected to (${webhookLimits.connectMs} ms)`,
          ),
        ),
      ),
    );
  });
}

function failureOf(error: Error): Failure {
  return error instanceof Failure ? error : unreachable((error as NodeJS.ErrnoException).code);
}
