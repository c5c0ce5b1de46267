// Feeds one target with mutants, keeps those that reach something new, and stops at the first that breaks a rule.
import { mutant, randomFrom } from './mutation.mjs';

/** Inputs between two looks at the coverage: a look takes about as long as fifty of them. */
const batchSize = 512;
/** No input may take longer than this, ms; judged by the fastest of several tries, for the machine does other things too. */
export const slowestMs = 20;
const triesWhenSlow = 5;
/** What took longer than this is tried again, ms. */
const suspectMs = 4;
/** Most inputs of one batch that are kept: each costs some ten looks. */
const mostKept = 8;
/** Most inputs that are kept to be mutated further. */
const largestCorpus = 4_000;

/**
 * Runs until `runs` inputs or `seconds` are over. `target.run` throws when a rule is broken; the result then has the input
 * that did it. `coverage` is the one of this process.
 */
export async function fuzz(target, { runs, seconds, seed, coverage }) {
  const random = randomFrom(seed);
  const corpus = target.seeds.map(text => Buffer.from(text));
  const material = { corpus, dictionary: target.dictionary };
  coverage.forget();
  const begun = performance.now();
  const result = { runs: 0, slowest: 0, broken: undefined };
  for (const input of [...corpus]) await attempt(target, input, result);
  coverage.look();
  while (result.broken === undefined && result.runs < runs && performance.now() - begun < seconds * 1000) {
    const size = Math.min(batchSize, runs - result.runs);
    const batch = Array.from({ length: size }, () => mutant(random, material));
    for (const input of batch) {
      await attempt(target, input, result);
      if (result.broken !== undefined) break;
    }
    const fresh = coverage.look();
    if (result.broken === undefined && fresh.length > 0)
      corpus.push(...(await reaching(target, batch, fresh, coverage)));
    while (corpus.length > largestCorpus) corpus.splice(target.seeds.length, 1);
    // Promises that a target left behind are settled here.
    await new Promise(setImmediate);
  }
  return { ...result, blocks: coverage.blocks, corpus: corpus.length, ms: performance.now() - begun };
}

async function attempt(target, input, result) {
  result.runs++;
  const from = performance.now();
  try {
    await settled(target.run(input));
  } catch (error) {
    result.broken = { input, why: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    return;
  }
  let took = performance.now() - from;
  for (let i = 1; took > suspectMs && i < triesWhenSlow; i++)
    took = Math.min(took, await timed(target, input));
  if (took > (target.slowestMs ?? slowestMs)) result.broken = { input, why: `took ${took.toFixed(1)} ms` };
  result.slowest = Math.max(result.slowest, took);
}

/** Most targets are done when they return; only the others are waited for. */
const settled = outcome => (outcome instanceof Promise ? outcome : undefined);

async function timed(target, input) {
  const from = performance.now();
  await settled(target.run(input));
  return performance.now() - from;
}

/** Of a batch inputs that together reach these blocks, each found by running ever smaller parts of it again. */
async function reaching(target, batch, blocks, coverage) {
  const found = [];
  let wanted = blocks;
  while (wanted.length > 0 && found.length < mostKept) {
    const input = await firstReaching(target, batch, wanted, coverage);
    await settled(target.run(input));
    const hit = new Set(coverage.among(wanted));
    // What depends on more than the input itself cannot be told.
    if (hit.size === 0) break;
    found.push(input);
    wanted = wanted.filter(block => !hit.has(block));
  }
  return found;
}

async function firstReaching(target, batch, blocks, coverage) {
  let from = 0;
  let to = batch.length;
  while (to - from > 1) {
    const middle = (from + to) >> 1;
    for (const input of batch.slice(from, middle)) await settled(target.run(input));
    if (coverage.among(blocks).length > 0) to = middle;
    else from = middle;
  }
  return batch[from];
}
