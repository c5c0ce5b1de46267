// The process of the people who call: calls that go on all the time, and new ones whose setting up is timed.
import { SecureCall } from './secure-call.mjs';
import { bound, Line, startSpeaking } from './telephone.mjs';
import { pause } from './wire.mjs';

const probeEveryMs = 100;
const probeMs = 300;
const patienceMs = 5_000;
const localAddress = '127.0.0.10';
/** Nobody listens there: who only tries whether a call comes about hears nothing. */
const deafPort = 9;

let lines = [];
const calls = [];
let secure;
let setups = [];
let failures = [];
let probing = true;
let probes;

async function begin({ target, count }) {
  lines = await Promise.all([0, 1].map(() => Line.open({ tcp: target.tcp, localAddress })));
  startSpeaking();
  for (let i = 0; i < count; i++) {
    const call = lines[0].call(await bound(localAddress));
    const { status } = await call.answered;
    if (status !== 200) throw new Error(`a call before the attack was answered ${status}`);
    calls.push(call);
  }
  secure = await SecureCall.begin({ tls: target.tls, localAddress });
  probes = probe();
  return {
    calls: calls.map(({ callId, fromTag, toTag, rtpPort }) => ({ callId, fromTag, toTag, rtpPort })),
    secureCallId: secure.callId,
  };
}

/** New calls one after the other, whatever became of the one before. */
async function probe() {
  const open = new Set();
  while (probing) {
    const one = tryOnce();
    open.add(one);
    void one.then(() => open.delete(one));
    await pause(probeEveryMs);
  }
  await Promise.all(open);
}

async function tryOnce() {
  const call = lines[1].call(undefined, deafPort);
  const outcome = await Promise.race([call.answered, pause(patienceMs)]);
  if (outcome?.status === 200) setups.push(call.ms);
  else failures.push(outcome === undefined ? 'no answer' : `${outcome.status} ${outcome.why}`);
  await pause(probeMs);
  call.hangup();
}

/** What happened since the last look; of packets all that ever came. */
function look() {
  const sorted = setups.toSorted((a, b) => a - b);
  const at = share => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? -1;
  const sum = name => calls.reduce((total, each) => total + each[name], 0);
  const seen = {
    setups: sorted.length,
    failures,
    p50: at(0.5),
    p99: at(0.99),
    max: at(1),
    up: calls.filter(({ state }) => state === 'up').length,
    packets: sum('packets'),
    lost: sum('lost'),
    repeated: sum('repeated'),
    longestGap: Math.max(...calls.map(call => call.longestGap)),
    secure: { ...secure.counts },
  };
  for (const call of calls) call.longestGap = 0;
  setups = [];
  failures = [];
  return seen;
}

async function finish() {
  probing = false;
  await probes;
  for (const call of calls) call.hangup();
  await secure.end();
  for (const line of lines) line.close();
  return secure.counts;
}

const does = { begin, look, finish };
process.on('message', async ({ id, what, input }) => {
  try {
    process.send({ id, output: await does[what](input) });
  } catch (error) {
    process.send({ id, error: error.message });
  }
});
process.once('disconnect', () => process.exit(0));
