#!/usr/bin/env node
// What a packet costs on its way through the media path, beside the least that Node can do. See docs/bench/README.md.
import { parseArgs } from 'node:util';
import { costOf, systemCallsOf } from './media-cost/run.mjs';

const help = `Usage: node scripts/media-cost.mjs [options]

Carries calls through a media worker in one process, with telephones and agent in another that sends the next 20 ms as
soon as the worker has done with the last: no clock and no idle time are in it, so the figures depend little on what else
the machine does. The floor is a bare program that moves the same datagrams and messages. A packet is one in, one out,
and its share of a message to the agent. Build first (npm run build).

Options:
      --profile LIST   pcmu, pcma, g722, pcmu24 (default pcmu)
      --chunk LIST     sound in one message to the agent, ms: 20 to 100 (default 20); the floor sends 20
      --wss            TLS to the agent
      --srtp           SRTP on the side of the telephone; the floor moves packets of the same length
      --calls N        calls (default 50)
      --rounds N       packets of each call (default 1000)
      --pairs N        times that floor and bridge are run, in turn; figures are medians (default 3)
      --system-calls   counts those as well; needs strace
      --json           prints one line of JSON
  -h, --help           this text

Examples:
  node scripts/media-cost.mjs --system-calls
  node scripts/media-cost.mjs --chunk 20,40,60,100
  node scripts/media-cost.mjs --profile pcmu,g722,pcmu24 --wss`;

const optionTypes = {
  profile: { type: 'string', default: 'pcmu' },
  chunk: { type: 'string', default: '20' },
  wss: { type: 'boolean', default: false },
  srtp: { type: 'boolean', default: false },
  calls: { type: 'string', default: '50' },
  rounds: { type: 'string', default: '1000' },
  pairs: { type: 'string', default: '3' },
  'system-calls': { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h' },
};

process.exitCode = await main();

async function main() {
  let options;
  try {
    options = parseArgs({ options: optionTypes }).values;
  } catch (error) {
    return misuse(error.message);
  }
  if (options.help) {
    console.log(help);
    return 0;
  }
  const number = name => Number(options[name]);
  for (const name of ['calls', 'rounds', 'pairs'])
    if (!(Number.isInteger(number(name)) && number(name) > 0))
      return misuse(`--${name} takes a number from 1`);
  const chunks = options.chunk.split(',').map(Number);
  if (!chunks.every(ms => ms >= 20 && ms <= 100)) return misuse('--chunk takes numbers from 20 to 100');
  const lines = [];
  for (const profile of options.profile.split(',')) {
    for (const chunkMs of chunks) {
      const how = { profile, chunkMs, wss: options.wss, srtp: options.srtp };
      lines.push(await line({ ...how, calls: number('calls'), rounds: number('rounds') }, options));
    }
  }
  console.log(options.json ? JSON.stringify(lines) : tableOf(lines));
  return 0;
}

async function line(how, options) {
  const costs = { floor: [], bridge: [] };
  for (let pair = 0; pair < Number(options.pairs); pair++)
    for (const subject of ['floor', 'bridge']) costs[subject].push(await costOf(subject, how));
  const calls = {};
  if (options['system-calls'])
    for (const subject of ['floor', 'bridge'])
      calls[subject] = (await systemCallsOf(subject, { ...how, rounds: 200 })).all;
  const of = (subject, figure) => median(costs[subject].map(figure));
  const micros = ({ userMicros, systemMicros }) => userMicros + systemMicros;
  const ratios = costs.bridge.map((cost, pair) => micros(cost) / micros(costs.floor[pair]));
  return {
    ...how,
    bytes: { floor: of('floor', cost => cost.bytes), bridge: of('bridge', cost => cost.bytes) },
    micros: { floor: of('floor', micros), bridge: of('bridge', micros) },
    ratio: median(ratios),
    ...(options['system-calls'] ? { systemCalls: calls } : {}),
  };
}

function median(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function tableOf(lines) {
  const pair = ({ floor, bridge }, digits) => `${floor.toFixed(digits)} | ${bridge.toFixed(digits)}`;
  return [
    '| profile | message | bytes, floor | bridge | us, floor | bridge | ratio | system calls, floor | bridge |',
    '|---|---|---|---|---|---|---|---|---|',
    ...lines.map(({ profile, wss, srtp, chunkMs, bytes, micros, ratio, systemCalls }) => {
      const name = `${profile}${wss ? ', wss' : ''}${srtp ? ', SRTP' : ''}`;
      const counted = systemCalls === undefined ? '- | -' : pair(systemCalls, 2);
      return `| ${name} | ${chunkMs} ms | ${pair(bytes, 0)} | ${pair(micros, 1)} | ${ratio.toFixed(2)} | ${counted} |`;
    }),
  ].join('\n');
}

function misuse(why) {
  console.error(`media-cost: ${why}. See --help.`);
  return 2;
}
