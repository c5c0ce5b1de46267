import { createSocket } from 'node:dgram';
import { isIP } from 'node:net';
import { Failure, fail, messageOf, ok, type Result } from '../core/errors.ts';

/** Any port will do: nothing is sent. */
const discardPort = 9;

/**
 * Our address on the way to a peer, as the routing table of this machine says. A datagram socket is connected for
 * that, which sends nothing. Fails with code `no-route`.
 */
export function localAddressTowards(address: string): Promise<Result<string>> {
  return new Promise(resolve => {
    const socket = createSocket(isIP(address) === 6 ? 'udp6' : 'udp4');
    const settle = (result: Result<string>) => {
      socket.close();
      resolve(result);
    };
    socket.once('error', error => settle(fail(new Failure('no-route', messageOf(error)))));
    socket.connect(discardPort, address, () => settle(ok(socket.address().address)));
  });
}
