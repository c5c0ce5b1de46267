#!/usr/bin/env node
/**
 * Measures what a caller notices of an agent that is lost: `npm run build && node scripts/survival.mjs [calls]`.
 * Agent lost to the first packet of the sound, and the stand-in accepting the next conversation to its first words heard.
 */
import { ToneDetector } from '../dist/codecs/tones.js';
import { startApp } from '../dist/src/app.js';
import { loadConfig } from '../dist/src/config/load.js';
import { createLogger } from '../dist/src/observability/log.js';
import { SimCaller } from '../dist/src/sim/caller/caller.js';
import { SimWorld } from '../dist/src/sim/world.js';

const calls = Number(process.argv[2] ?? 10);
if (!Number.isInteger(calls) || calls < 1 || calls > 100) {
  console.error('usage: node scripts/survival.mjs [calls, 1 to 100]');
  process.exit(2);
}

const agentId = 'agent_under_test';
const world = await SimWorld.start({ agentId, agent: { agents: { [agentId]: { mode: 'quiet' } } } });
const loaded = loadConfig({
  env: { ...world.environment(), MEDIA_WORKERS: '1', RTP_PORTS: '30000-31999', LOG_LEVEL: 'error' },
});
if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
const app = await startApp(loaded.value.config, {
  log: createLogger('error', { write: line => process.stderr.write(line) }),
});
const { port } = app.sip[0];

const pause = ms => new Promise(resolve => setTimeout(resolve, ms));
/** When a frequency was first heard after some ms of sound, in ms of sound; looked for in pieces of 20 ms. */
function heardFrom(media, hz, fromMs) {
  const { samples, rate } = media.heard;
  const piece = rate / 50;
  const detector = new ToneDetector(rate, hz);
  for (let at = Math.floor((fromMs * rate) / 1000); at + piece <= samples.length; at += piece) {
    if (detector.level(samples, at, piece) > -40) return (at * 1000) / rate;
  }
  return undefined;
}
async function until(check, timeoutMs = 10_000) {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    const found = check();
    if (found !== undefined) return found;
    await pause(5);
  }
  return undefined;
}

const toSound = [];
const toWords = [];
for (let i = 0; i < calls; i++) {
  const caller = await SimCaller.connect({ transport: 'tcp', host: '127.0.0.1', port });
  const call = await caller.call({ codec: 'PCMU' });
  await call.answered;
  const { conversations } = world.agent;
  const first = await until(() => conversations[conversations.length - 1]);
  await pause(1600);
  const before = conversations.length;
  const lostAt = call.media.heard.ms;
  first.drop();
  const next = await until(() => conversations[before]);
  const acceptedAt = call.media.heard.ms;
  await next.until(each => each.initiation);
  // Words that came at once would leave nothing of the sound to be found.
  await pause(100);
  await next.say(1200, 300);
  const sound = await until(() => heardFrom(call.media, 587, lostAt), 3000);
  const words = await until(() => heardFrom(call.media, 1200, acceptedAt), 5000);
  if (sound !== undefined) toSound.push(sound - lostAt);
  if (words !== undefined) toWords.push(words - acceptedAt);
  await call.hangup();
  caller.close();
}
await app.close();
await world.close();

const show = (name, list, limit) => {
  const sorted = [...list].sort((a, b) => a - b);
  const at = share =>
    Math.round(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN);
  console.log(
    `${name}: ${list.length} of ${calls}, p50 ${at(0.5)} ms, largest ${at(1)} ms (limit ${limit} ms)`,
  );
  return list.length === calls && at(1) <= limit;
};
const quick = show('agent lost to the first packet of the sound', toSound, 200);
const back = show('next conversation accepted to its first words heard', toWords, 1500);
process.exit(quick && back ? 0 : 1);
