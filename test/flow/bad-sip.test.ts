import dgram from 'node:dgram';
import { once } from 'node:events';
import net from 'node:net';
import { describe, expect, it } from 'vitest';
import { Voice } from '../../src/sim/agent/sound.ts';
import { header } from '../../src/sim/caller/message.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { heardFor, levelAtAgent } from '../support/sound.ts';
import { until } from '../support/until.ts';
import { witness } from '../support/witness.ts';

/** Sends raw text to the SIP port; gives what came back until the bridge closed the connection or `enough` was there. */
async function raw(bridge: Bridge, text: string | Buffer, enough: RegExp = /$^/) {
  const socket = net.connect(bridge.sipPort, '127.0.0.1');
  let answer = '';
  let closed = false;
  socket.on('data', chunk => {
    answer += chunk.toString('latin1');
  });
  socket.on('error', () => socket.destroy());
  socket.on('close', () => {
    closed = true;
  });
  await once(socket, 'connect');
  socket.write(text);
  await until(
    () => closed || enough.test(answer),
    () => `an answer; so far ${answer}`,
    15_000,
  );
  socket.destroy();
  await until(() => closed, 'the connection to close');
  return answer;
}

const head = (length: number | string, method = 'INVITE') =>
  [
    `${method} sip:+14155550199@127.0.0.1 SIP/2.0`,
    'Via: SIP/2.0/TCP 127.0.0.1:5099;branch=z9hG4bKbad',
    'Max-Forwards: 70',
    'From: <sip:+14155550123@127.0.0.1>;tag=bad',
    'To: <sip:+14155550199@127.0.0.1>',
    'Call-ID: bad@sim',
    `CSeq: 1 ${method}`,
    'Contact: <sip:+14155550123@127.0.0.1:5099>',
    'Content-Type: application/sdp',
    `Content-Length: ${length}`,
    '',
    '',
  ].join('\r\n');

const impatient = 'sip:\n  limits:\n    firstMessageMs: 600\n    messageMs: 600\n';

describe('bytes on the SIP port that are no SIP', () => {
  it.each([
    ['garbage', Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 73 + 11) % 256))],
    ['a TLS handshake', Buffer.from('160301020001000001fc0303', 'hex')],
    ['a request of HTTP', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a start line without an end', 'INVITE sip:'.padEnd(100_000, 'x')],
  ])('%s ends that connection, and a call beside it never notices', (_, bytes) =>
    withBridge({ yaml: impatient }, async bridge => {
      const other = await witness(bridge);
      await raw(bridge, bytes);
      await other.unharmed();
      expect(bridge.world.agent.conversations).toHaveLength(1);
    }),
  );

  it('half a message and then nothing is cut off when the time for a message is over', () =>
    withBridge({ yaml: impatient }, async bridge => {
      const other = await witness(bridge);
      const answers = await Promise.all([
        raw(bridge, head(400).slice(0, 120)),
        raw(bridge, `${head(400)}v=0\r\n`),
        raw(bridge, ''),
      ]);
      expect(answers.every(answer => !answer.includes('SIP/2.0 200'))).toBe(true);
      await other.unharmed();
    }));

  it('a message that announces ten megabytes is refused with 413 before it comes', () =>
    withBridge({}, async bridge => {
      const other = await witness(bridge);
      expect(await raw(bridge, head(10_000_000), /SIP\/2\.0 \d+/)).toMatch(/^SIP\/2\.0 413 /);
      await other.unharmed();
    }));

  it.each([
    ['a negative length', head('-1'), /^SIP\/2\.0 400 /],
    ['two lengths', head('4\r\nContent-Length: 9'), /^SIP\/2\.0 400 /],
    ['no Call-ID', head(0).replace(/Call-ID: .+\r\n/, ''), /^SIP\/2\.0 400 /],
    ['a body that is no SDP', `${head(4).replace('application/sdp', 'text/plain')}hi!\n`, /^SIP\/2\.0 415 /],
    ['a CSeq of another method', head(0).replace('CSeq: 1 INVITE', 'CSeq: 1 BYE'), /^SIP\/2\.0 400 /],
  ])('a request with %s gets its own answer', (_, text, expected) =>
    withBridge({ yaml: impatient }, async bridge => {
      expect(await raw(bridge, text, /SIP\/2\.0 [2-6]\d\d/)).toMatch(expected);
      const call = await bridge.answered();
      await call.hangup();
    }),
  );
});

describe('an offer that cannot be answered', () => {
  const sdp = (media: string) =>
    `v=0\r\no=sim 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n${media}`;

  it.each([
    ['has no audio', sdp('m=video PORT RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n'), /./],
    ['has no media at all', sdp(''), /./],
    ['has G.729 alone', sdp('m=audio PORT RTP/AVP 18\r\na=rtpmap:18 G729/8000\r\n'), /305 \S+ ".*codec.*"/],
    ['is cut off', 'v=0\r\no=', /399 \S+ ".*malformed.*"/],
  ])('because it %s is refused with 488 and a sentence that says why', (_, offer, warning) =>
    withBridge({}, async bridge => {
      const call = await bridge.call({ sdp: offer });
      const { status, response } = await call.answered;
      expect(status).toBe(488);
      expect(header(response, 'Warning')).toMatch(warning);
      expect(bridge.world.agent.ticketRequests).toBe(0);
      expect(bridge.app.load()).toMatchObject({ calls: 0, legs: 0, ports: 0 });
    }),
  );
});

describe('RTP from a stranger', () => {
  it('during a call is not heard by the agent, and is counted', () =>
    withBridge({}, async bridge => {
      const call = await bridge.answered();
      await heardFor(call, 800);
      const conversation = await bridge.world.agent.conversation(0);
      const { response } = await call.answered;
      const port = Number(/^m=audio (\d+)/m.exec(response.body)?.[1]);
      const stranger = dgram.createSocket('udp4');
      const voice = new Voice('ulaw_8000', 1500);
      let sent = 0;
      const speaking = setInterval(() => {
        const packet = Buffer.alloc(172);
        packet.writeUInt16BE(0x8000, 0);
        packet.writeUInt16BE(1000 + sent, 2);
        packet.writeUInt32BE(160 * sent, 4);
        packet.writeUInt32BE(0xdead, 8);
        voice.next(20).copy(packet, 12);
        stranger.send(packet, port, '127.0.0.1');
        stranger.send(Buffer.from('no RTP at all'), port, '127.0.0.1');
        sent += 1;
      }, 20);
      try {
        await heardFor(call, call.media.heard.ms + 2000);
      } finally {
        clearInterval(speaking);
        stranger.close();
      }
      expect(sent).toBeGreaterThan(20);
      expect(levelAtAgent(conversation, 1500, 1500)).toBeLessThan(-70);
      expect(call.media.heard.level(1500, 0, call.media.heard.ms)).toBeLessThan(-70);
      await call.hangup();
      expect((await bridge.ended())['packetsFromStrangers']).toBeGreaterThan(20);
    }));
});
