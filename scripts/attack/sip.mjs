// Attacks by SIP. Each runs until `over()` and gives what it counted.
import { createHash } from 'node:crypto';
import { header, statusOf } from '../../dist/src/sim/caller/message.js';
import { offer, open, pause, read, request, token } from './wire.mjs';

/** Statuses in what came, without taking the messages apart: who floods has no time for that. */
function countStatuses(chunk, counts) {
  for (let at = chunk.indexOf('SIP/2.0 '); at >= 0; at = chunk.indexOf('SIP/2.0 ', at + 8)) {
    const first = chunk[at + 8];
    // `SIP/2.0 4`: a status line. `SIP/2.0/TCP` and a request's end have no digit there.
    if (first >= 0x33 && first <= 0x36) counts.refused++;
    else if (first === 0x32) counts.accepted++;
  }
}

/** INVITEs as fast as they are taken, of a stranger and of a trunk that went mad. */
export function inviteFlood(target, over) {
  const flood = async (localAddress, perSecond) => {
    const counts = { sent: 0, refused: 0, accepted: 0, connections: 0, unconnected: 0 };
    const [head, middle, tail] = request('INVITE', {
      localAddress,
      branch: 'z9hG4bK<mark>',
      callId: '<mark>',
      headers: [['Content-Type', 'application/sdp']],
      body: offer(localAddress, 9),
    }).split('<mark>');
    while (!over()) {
      const socket = await open({ ...target.tcp, localAddress });
      if (socket === undefined) {
        counts.unconnected++;
        await pause(20);
        continue;
      }
      counts.connections++;
      socket.on('data', chunk => countStatuses(chunk, counts));
      let due = performance.now();
      while (!over() && !socket.destroyed) {
        let batch = '';
        for (; due <= performance.now(); due += 1_000 / perSecond) {
          const mark = `${localAddress}-${counts.sent++}`;
          batch += head + mark + middle + mark + tail;
        }
        // Who is not read has nothing to gain from sending more.
        if (batch !== '' && socket.writableLength < 1_048_576) socket.write(batch);
        await pause(10);
      }
      socket.destroy();
    }
    return counts;
  };
  return Promise.all([flood('127.0.1.1', 4_000), flood('127.0.0.66', 1_000)]).then(([stranger, trunk]) => ({
    ...named('stranger', stranger),
    ...named('trunk', trunk),
  }));
}

const named = (who, counts) =>
  Object.fromEntries(Object.entries(counts).map(([name, n]) => [`${who} ${name}`, n]));

const hash = (algorithm, text) => createHash(algorithm).update(text).digest('hex');

/** Passwords from many addresses, each against a challenge that was really given. */
export async function digestGuessing(target, over) {
  const counts = { guesses: 0, challenges: 0, silenced: 0, guessed: 0 };
  const guess = async localAddress => {
    while (!over()) {
      const socket = await open({ ...target.tcp, localAddress });
      if (socket === undefined) {
        counts.silenced++;
        await pause(50);
        continue;
      }
      read(socket, message => {
        if (statusOf(message) < 300 && statusOf(message) > 100) counts.guessed++;
        if (statusOf(message) !== 401) return;
        counts.challenges++;
        const challenge = message.headers.filter(([name]) => name === 'WWW-Authenticate').at(-1)?.[1] ?? '';
        const field = name => new RegExp(`${name}="?([^",]+)`).exec(challenge)?.[1] ?? '';
        const uri = 'sip:+14155550199@127.0.0.1';
        const algorithm = field('algorithm') === 'MD5' ? 'md5' : 'sha256';
        const a1 = hash(algorithm, `branch:${field('realm')}:${token()}`);
        const response = hash(
          algorithm,
          `${a1}:${field('nonce')}:00000001:c:auth:${hash(algorithm, `INVITE:${uri}`)}`,
        );
        const authorization = `Digest username="branch", realm="${field('realm')}", nonce="${field('nonce')}", uri="${uri}", response="${response}", algorithm=${field('algorithm')}, cnonce="c", qop=auth, nc=00000001, opaque="${field('opaque')}"`;
        counts.guesses++;
        if (!socket.destroyed)
          socket.write(request('INVITE', { localAddress, headers: [['Authorization', authorization]] }));
      });
      socket.write(request('INVITE', { localAddress }));
      while (!over() && !socket.destroyed) await pause(50);
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 20 }, (_, i) => guess(`127.0.2.${i + 1}`)));
  return counts;
}

/** A byte now and then, on many connections. */
export async function slowSenders(target, over) {
  const counts = { connections: 0, closed: 0, refused: 0, longestMs: 0 };
  const drip = async localAddress => {
    while (!over()) {
      const socket = await open({ ...target.tcp, localAddress });
      if (socket === undefined) {
        counts.refused++;
        await pause(200);
        continue;
      }
      counts.connections++;
      const from = performance.now();
      socket.on('data', () => undefined);
      const bytes = Buffer.from(request('OPTIONS', { localAddress }));
      for (let i = 0; !over() && !socket.destroyed; i++) {
        socket.write(bytes.subarray(i % bytes.length, (i % bytes.length) + 1));
        await pause(500);
      }
      if (socket.destroyed) {
        counts.closed++;
        counts.longestMs = Math.max(counts.longestMs, Math.round(performance.now() - from));
      }
      socket.destroy();
    }
  };
  await Promise.all(Array.from({ length: 100 }, (_, i) => drip(`127.0.3.${1 + (i % 25)}`)));
  return counts;
}

/** Messages and SDP that are as large and as odd as they may be, over a trunk that is let in. */
export async function bombs(target, over) {
  const counts = { sent: 0, answered: 0, closed: 0, slowestMs: 0 };
  const localAddress = '127.0.0.67';
  const kinds = [
    () =>
      request('OPTIONS', { localAddress, headers: Array.from({ length: 400 }, (_, i) => [`X-${i}`, 'y']) }),
    () => request('OPTIONS', { localAddress, headers: [['X-Long', 'z'.repeat(30_000)]] }),
    () => request('OPTIONS', { localAddress, headers: [['Subject', `a${'\r\n b'.repeat(5_000)}`]] }),
    () =>
      request('OPTIONS', {
        localAddress,
        headers: Array.from({ length: 60 }, () => ['Accept', `${'a/b;'.repeat(100)}c`]),
      }),
    () =>
      request('OPTIONS', { localAddress, headers: [['P-Asserted-Identity', `a<${' '.repeat(7_000)}>x`]] }),
    () =>
      request('INVITE', {
        localAddress,
        headers: [['Content-Type', 'application/sdp']],
        body: `${offer(localAddress, 9)}${'a=x:y\r\n'.repeat(4_000)}`,
      }),
    () =>
      request('INVITE', {
        localAddress,
        headers: [['Content-Type', 'application/sdp']],
        body: `${offer(localAddress, 9)}${'m=audio 9 RTP/AVP 0\r\n'.repeat(1_500)}`,
      }),
    () =>
      request('INVITE', {
        localAddress,
        headers: [['Content-Type', 'application/sdp']],
        body: `${offer(localAddress, 9)}a=fmtp:0 ${'1;'.repeat(15_000)}\r\n`,
      }),
    () => 'OPTIONS sip:a SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n',
    () => `OPTIONS sip:${'a'.repeat(40_000)} SIP/2.0\r\n`,
  ];
  for (let i = 0; !over(); i++) {
    const socket = await open({ ...target.tcp, localAddress });
    if (socket === undefined) {
      await pause(50);
      continue;
    }
    const from = performance.now();
    const done = new Promise(resolve => {
      read(socket, message => {
        if (statusOf(message) < 200) return;
        counts.answered++;
        resolve();
      });
      socket.once('close', () => {
        counts.closed++;
        resolve();
      });
      setTimeout(resolve, 2_000);
    });
    socket.write(kinds[i % kinds.length]());
    counts.sent++;
    await done;
    counts.slowestMs = Math.max(counts.slowestMs, Math.round(performance.now() - from));
    socket.destroy();
    await pause(10);
  }
  return counts;
}

/** BYE and CANCEL into calls of others: with tags that are guessed, and with the right ones over a connection that is not theirs. */
export async function hijack(target, over) {
  const counts = { sent: 0, accepted: 0, refused: 0, unconnected: 0 };
  const localAddress = '127.0.0.66';
  for (let i = 0; !over(); i++) {
    const socket = await open({ ...target.tcp, localAddress: i % 2 === 0 ? localAddress : '127.0.5.1' });
    if (socket === undefined) {
      counts.unconnected++;
      await pause(50);
      continue;
    }
    read(socket, message => {
      const status = statusOf(message);
      // A CANCEL for nothing is 481; 200 would mean that it hit.
      if (status >= 300) counts.refused++;
      else if (status >= 200) counts.accepted++;
    });
    for (const call of target.calls) {
      if (socket.destroyed) break;
      const known = i % 3 === 0;
      const fromTag = known ? call.fromTag : token();
      const toTag = known ? call.toTag : token();
      socket.write(request('BYE', { localAddress, callId: call.callId, fromTag, toTag, cseq: 1_000 + i }));
      socket.write(
        request('CANCEL', {
          localAddress,
          callId: call.callId,
          fromTag: call.fromTag,
          branch: `z9hG4bK${token()}`,
        }),
      );
      counts.sent += 2;
    }
    await pause(500);
    socket.destroy();
  }
  return counts;
}

/** Handshakes that are begun and left. */
export async function abandonedHandshakes(target, over) {
  const counts = { begun: 0, refused: 0, closed: 0, longestMs: 0 };
  const hello = Buffer.concat([Buffer.from('1603010200010001fc0303', 'hex'), Buffer.alloc(60, 7)]);
  const hang = async (localAddress, bytes) => {
    const socket = await open({ ...target.tls, localAddress });
    if (socket === undefined) {
      counts.refused++;
      return;
    }
    counts.begun++;
    const from = performance.now();
    socket.on('data', () => undefined);
    if (bytes > 0) socket.write(hello.subarray(0, bytes));
    while (!over() && !socket.destroyed) await pause(100);
    if (socket.destroyed) {
      counts.closed++;
      counts.longestMs = Math.max(counts.longestMs, Math.round(performance.now() - from));
    }
    socket.destroy();
  };
  const all = [];
  for (let i = 0; !over() && i < 3_000; i++) {
    all.push(hang(`127.0.6.${1 + (i % 100)}`, [0, 1, 5, 11, hello.length][i % 5]));
    await pause(10);
  }
  await Promise.all(all);
  return counts;
}

/** Whoever asks what he has no business with. */
export async function scanner(target, over) {
  const counts = { sent: 0, answered: 0, unconnected: 0, kinds: 0 };
  const kinds = new Set();
  for (let i = 0; !over(); i++) {
    const socket = await open({ ...target.tcp, localAddress: `127.0.7.${1 + (i % 3)}` });
    if (socket === undefined) {
      counts.unconnected++;
      await pause(100);
      continue;
    }
    read(socket, message => {
      counts.answered++;
      kinds.add(`${statusOf(message)} ${header(message, 'Warning')}`);
    });
    for (let user = 100; user < 130 && !socket.destroyed; user++) {
      socket.write(
        request(user % 2 === 0 ? 'OPTIONS' : 'REGISTER', { localAddress: '127.0.7.1', to: String(user) }),
      );
      counts.sent++;
      await pause(20);
    }
    socket.destroy();
  }
  return { ...counts, kinds: kinds.size };
}
