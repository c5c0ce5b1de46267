// What the agents heard, and what the daemon wrote about the call with SRTP.
import { ToneDetector } from '../../dist/codecs/tones.js';
import { decode } from '../../dist/src/sim/agent/sound.js';
import { injectedHz } from './media.mjs';
import { secureHz } from './secure-call.mjs';
import { humHz } from './telephone.mjs';

/** That of the agents' sound, Hz. */
const rate = 8_000;
const windowMs = 100;

/** The largest and the median level of a frequency in windows of some sound, dBFS. */
function levels(samples, hz) {
  const detector = new ToneDetector(rate, hz);
  const size = (rate * windowMs) / 1_000;
  const found = [];
  for (let at = 0; at + size <= samples.length; at += size) found.push(detector.level(samples, at, size));
  found.sort((a, b) => a - b);
  return { largest: found.at(-1) ?? -120, median: found[found.length >> 1] ?? -120 };
}

export function sightOf(world, log, calls, secureCallId) {
  // The first conversations are those of the calls that were up all the time, then that with SRTP.
  const sounds = world.agent.conversations
    .slice(0, calls + 1)
    .map(conversation => decode(conversation.audio(), conversation.inputFormat));
  const open = sounds.slice(0, calls);
  const secure = sounds[calls] ?? new Int16Array(0);
  const key = log.find(line => line.msg === 'call arrived' && line.sipCallId === secureCallId)?.call;
  const ended = log.find(line => line.msg === 'call ended' && line.call === key);
  const setups = log
    .filter(line => line.msg === 'call answered')
    .map(line => line.setupMs)
    .sort((a, b) => a - b);
  const round = value => Math.round(value * 10) / 10;
  return {
    'setting up by the daemon, p99 ms': round(setups[Math.floor(setups.length * 0.99)] ?? -1),
    injected: round(Math.max(...open.map(samples => levels(samples, injectedHz).largest))),
    weakestCaller: round(Math.min(...open.map(samples => levels(samples, humHz).median))),
    secureCaller: round(levels(secure, secureHz).median),
    secureSeconds: round(secure.length / rate),
    secureReason: ended?.reason ?? 'not ended',
    securePackets: ended?.packetsReceived ?? 0,
    secureUnauthentic: ended?.packetsUnauthentic ?? 0,
    secureReplayed: ended?.packetsReplayed ?? 'not counted by itself',
  };
}
