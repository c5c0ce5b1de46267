// Many media streams at once, as Twilio makes them: what goes out is written beforehand, what comes in is counted.
import { createHmac, randomBytes } from 'node:crypto';
import { WebSocket } from 'ws';

const text = { binary: false };
const silence = Buffer.alloc(160, 0xfe).toString('base64');
export const token = 'a-token-of-a-benchmark-only';
export const accountSid = `AC${'0'.repeat(32)}`;

export const sign = (url, fields = {}) =>
  createHmac('sha1', token)
    .update(
      url +
        Object.keys(fields)
          .sort()
          .map(name => name + fields[name])
          .join(''),
    )
    .digest('base64');

/** Asks the voice webhook, and opens the stream that its TwiML names where `reach` says that it is reached. */
export async function dial(base, number, reach) {
  const callSid = `CA${randomBytes(16).toString('hex')}`;
  const url = `${base}/twilio/voice`;
  const fields = {
    CallSid: callSid,
    AccountSid: accountSid,
    From: `+1415555${String(1000 + number)}`,
    To: '+14155550199',
    CallStatus: 'ringing',
  };
  const answer = await fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: { 'x-twilio-signature': sign(url, fields) },
  });
  const twiml = await answer.text();
  const stream = /<Stream url="([^"]+)"/.exec(twiml)?.[1];
  const ticket = /<Parameter name="ticket" value="([^"]+)"/.exec(twiml)?.[1];
  if (stream === undefined) throw new Error(`no stream: ${answer.status} ${twiml}`);
  return new Stream(stream, callSid, { ticket }, reach(stream));
}

export class Stream {
  messages = 0;
  sent = 0;
  bytes = 0;
  marks = 0;
  #chunk = 0;

  constructor(url, callSid, parameters, reached = url) {
    this.streamSid = `MZ${randomBytes(16).toString('hex')}`;
    this.ws = new WebSocket(reached, {
      perMessageDeflate: false,
      headers: { 'x-twilio-signature': sign(url) },
    });
    this.opened = new Promise((resolve, reject) => {
      this.ws.once('open', () => {
        this.ws.send('{"event":"connected","protocol":"Call","version":"1.0.0"}', text);
        const mediaFormat = { encoding: 'audio/x-mulaw', sampleRate: 8000, channels: 1 };
        const start = {
          accountSid,
          streamSid: this.streamSid,
          callSid,
          tracks: ['inbound'],
          mediaFormat,
          customParameters: parameters,
        };
        this.ws.send(
          JSON.stringify({ event: 'start', sequenceNumber: '1', start, streamSid: this.streamSid }),
          text,
        );
        resolve();
      });
      this.ws.once('error', reject);
      this.ws.once('unexpected-response', (_request, response) =>
        reject(new Error(`HTTP ${response.statusCode}`)),
      );
    });
    this.ws.on('message', data => {
      this.messages++;
      this.bytes += data.length;
      // A mark comes back when it was played; here that is at once.
      if (data.length >= 120 || !data.includes('"mark"')) return;
      this.marks++;
      this.ws.send(data, text);
    });
    this.ws.on('error', () => undefined);
  }

  speak() {
    if (this.ws.readyState !== WebSocket.OPEN) return;
    const n = ++this.#chunk;
    this.sent++;
    this.ws.send(
      `{"event":"media","sequenceNumber":"${n + 1}","media":{"track":"inbound","chunk":"${n}","timestamp":"${n * 20}","payload":"${silence}"},"streamSid":"${this.streamSid}"}`,
      text,
    );
  }
}
