// Connections and messages of somebody who means no good. Everything stays on loopback.
import net from 'node:net';
import tls from 'node:tls';
import { format, MessageStream } from '../../dist/src/sim/caller/message.js';

export const token = () => Math.random().toString(36).slice(2) + Math.random().toString(36).slice(2);

/** A connection from `localAddress`; settles when it is up, or with undefined when it was refused. */
export function open({ host, port, localAddress, secure = false }) {
  return new Promise(resolve => {
    const socket = secure
      ? tls.connect({ host, port, localAddress, rejectUnauthorized: false })
      : net.connect({ host, port, localAddress });
    socket.setNoDelay(true);
    const give = () => {
      socket.destroy();
      resolve(undefined);
    };
    socket.once('error', give);
    socket.setTimeout(5_000, give);
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      socket.setTimeout(0);
      socket.off('error', give);
      socket.on('error', () => socket.destroy());
      resolve(socket);
    });
  });
}

/** Calls `take` with each message that comes. */
export function read(socket, take) {
  const stream = new MessageStream();
  socket.on('data', chunk => stream.push(chunk).forEach(take));
}

export function request(
  method,
  {
    localAddress,
    port = 5060,
    to = '+14155550199',
    callId,
    fromTag,
    toTag,
    cseq = 1,
    branch,
    headers = [],
    body = '',
  },
) {
  const all = [
    ['Via', `SIP/2.0/TCP ${localAddress}:${port};branch=${branch ?? `z9hG4bK${token()}`}`],
    ['Max-Forwards', '70'],
    ['From', `<sip:+14155550123@${localAddress}>;tag=${fromTag ?? token()}`],
    ['To', `<sip:${to}@127.0.0.1>${toTag === undefined ? '' : `;tag=${toTag}`}`],
    ['Call-ID', callId ?? `${token()}@attack`],
    ['CSeq', `${cseq} ${method}`],
    ['Contact', `<sip:+14155550123@${localAddress}:${port};transport=tcp>`],
    ...headers,
  ];
  return format(`${method} sip:${to}@127.0.0.1 SIP/2.0`, all, body);
}

export function offer(address, port) {
  return [
    'v=0',
    `o=- 1 1 IN IP4 ${address}`,
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio ${port} RTP/AVP 0`,
    '',
  ].join('\r\n');
}

export const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
