// The media path of the bridge as it is, a worker with its legs, on a clock that goes on by 20 ms a round.

import { freshKey } from '../../dist/src/sdp/srtp-key.js';
import { profiles } from '../../dist/src/sim/load/profile.js';
import { runWorker } from '../../dist/src/worker/entry.js';
import { runSubject } from './subject.mjs';

const loopback = '127.0.0.1';
const roundMs = 20;

class SteppedClock {
  #now = Math.ceil(performance.now());
  #timers = [];

  now() {
    return this.#now;
  }

  wall() {
    return this.#now;
  }

  timer(ms, fire) {
    const timer = { due: this.#now + ms, fire, cancel: () => this.#drop(timer) };
    const after = this.#timers.findIndex(({ due }) => due > timer.due);
    this.#timers.splice(after === -1 ? this.#timers.length : after, 0, timer);
    return timer;
  }

  advance(ms) {
    const until = this.#now + ms;
    while (this.#timers.length > 0 && this.#timers[0].due <= until) {
      const timer = this.#timers.shift();
      this.#now = Math.max(this.#now, timer.due);
      timer.fire();
    }
    this.#now = until;
  }

  #drop(timer) {
    const at = this.#timers.indexOf(timer);
    if (at !== -1) this.#timers.splice(at, 1);
  }
}

const clock = new SteppedClock();
const waiting = new Map();
let hear;
runWorker(
  {
    postMessage(message) {
      if (message.type === 'log' && message.level !== 'info') console.error(message.message, message.fields);
      waiting.get(`${message.leg} ${message.type}`)?.(message);
    },
    on: (_event, listener) => {
      hear = listener;
    },
    close: () => undefined,
  },
  {
    ports: { first: 30_000, count: 4000 },
    bind: { v4: loopback, v6: '::1' },
    portRestMs: 0,
    mediaTimeoutMs: 10_000,
    drainCapMs: 10_000,
    agentMaxMessageBytes: 1 << 24,
    logLevel: 'warn',
  },
  clock,
);

await runSubject({
  async open(start) {
    const calls = [];
    for (let i = 0; i < start.number; i++) calls.push(await openLeg(`leg-${i}`, start));
    return calls;
  },
  step: () => clock.advance(roundMs),
});

async function openLeg(leg, { url, profile, mediaPort, srtp, chunkMs }) {
  const { codec, payloadType } = profiles[profile];
  const keys = srtp ? [freshKey('AES_CM_128_HMAC_SHA1_80'), freshKey('AES_CM_128_HMAC_SHA1_80')] : undefined;
  const opened = answer(leg, 'opened');
  hear({ type: 'open', leg, options: { call: leg, wire: 'rtp', family: 4 } });
  const { local } = await opened;
  const ready = answer(leg, 'agent-ready');
  const begin = { url, dynamicVariables: {}, startTimeoutMs: 1e6, inputChunkMs: chunkMs };
  hear({ type: 'agent', leg, start: begin });
  await ready;
  const plan = {
    codec,
    sendPayloadType: payloadType,
    receivePayloadTypes: { [payloadType]: codec },
    // As nearly every telephone offers it; without it keys would be looked for in the sound.
    receiveEventPayloadType: 101,
    sendEventPayloadType: 101,
    packetTime: roundMs,
    direction: 'sendrecv',
    target: { address: loopback, rtpPort: mediaPort, rtcpPort: mediaPort + 1 },
    ...(keys === undefined ? {} : { srtp: { send: keys[0], receive: keys[1] } }),
  };
  hear({ type: 'apply', leg, plan });
  hear({ type: 'play', leg });
  return {
    port: local.rtpPort,
    ...(keys === undefined ? {} : { srtp: { send: keys[1], receive: keys[0] } }),
  };
}

function answer(leg, type) {
  return new Promise(resolve => {
    waiting.set(`${leg} ${type}`, resolve);
  });
}
