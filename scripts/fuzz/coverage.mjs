// What of the built program an input reaches, by V8's own block coverage.
import { Session } from 'node:inspector';

/**
 * Knows which blocks of the files that `covers(url)` names have run. V8 tells of a block by itself only where it ran more
 * or less often than what is around it; so blocks are remembered, and looked up in whatever range encloses them. One is made
 * for the whole process, before anything that it covers has run: functions that were compiled earlier have no blocks.
 */
export class Coverage {
  #session = new Session();
  #covers;
  /** Blocks of each function. */
  #functions = new Map();
  #ran = 0;

  constructor(covers) {
    this.#covers = covers;
    this.#session.connect();
    this.#ask('Profiler.enable');
    this.#ask('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Begins anew, for another target. */
  forget() {
    this.#report().next();
    this.#functions.clear();
    this.#ran = 0;
  }

  /** How many blocks have run. */
  get blocks() {
    return this.#ran;
  }

  /** The blocks that ran since the last look and never before. */
  look() {
    const fresh = [];
    for (const [key, ranges] of this.#report()) {
      const known = this.#functions.get(key) ?? new Map();
      this.#functions.set(key, known);
      for (const { startOffset, endOffset } of ranges) {
        const name = `${startOffset}:${endOffset}`;
        if (!known.has(name)) known.set(name, { key, startOffset, endOffset, ran: false });
      }
      for (const block of known.values()) {
        if (block.ran || !hasRun(block, ranges)) continue;
        block.ran = true;
        this.#ran++;
        fresh.push(block);
      }
    }
    return fresh;
  }

  /** Of these blocks those that ran since the last look. */
  among(blocks) {
    const report = new Map(this.#report());
    return blocks.filter(block => report.has(block.key) && hasRun(block, report.get(block.key)));
  }

  *#report() {
    for (const { url, scriptId, functions } of this.#ask('Profiler.takePreciseCoverage').result) {
      if (!this.#covers(url)) continue;
      for (const { ranges } of functions) {
        yield [`${scriptId}:${ranges[0].startOffset}:${ranges[0].endOffset}`, ranges];
      }
    }
  }

  /** Inside of one process an inspector answers before `post` returns. */
  #ask(method, parameters = {}) {
    let answer;
    this.#session.post(method, parameters, (error, result) => {
      if (error) throw new Error(`${method}: ${error.message}`);
      answer = result;
    });
    return answer;
  }
}

/** Ranges come from the outside in: the last one around a block counts. */
function hasRun(block, ranges) {
  const around = ranges.findLast(
    ({ startOffset, endOffset }) => startOffset <= block.startOffset && block.endOffset <= endOffset,
  );
  return around !== undefined && around.count > 0;
}
