import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { programFile } from '../core/program-file.ts';
import { loopbackCertificate } from '../sim/certificate.ts';
import { type Bound, boundsInWords, boundsOf, isMet } from '../sim/load/bounds.ts';
import { type Figures, type Ratio, ratioOf, ratiosInWords } from '../sim/load/figures.ts';
import { type RoundOptions, runRound } from '../sim/load/round.ts';
import { flatWithin, growthOf, type Sample } from '../sim/load/soak.ts';
import { floorPhase, runStress, stressBounds, stressTable } from '../sim/load/stress.ts';
import type { StressName } from '../sim/load/stressors.ts';
import { tableOf } from '../sim/load/table.ts';
import { comparisonOf, type Plan } from './bench-plan.ts';
import { makeRecords } from './bench-records.ts';
import { type ExitCode, exitCodes, type Io } from './command.ts';
import { version } from './version.ts';

/** How long a call of a soak lives, and how often its memory is looked at, ms. */
const soakHoldMs = 60_000;
const soakSampleMs = 10_000;
/** Records that are there to be searched under stress: for each second of a phase, and at most. */
const recordsPerSecond = 1000;
const mostRecords = 20_000;

/** Carries out a plan. */
export class Bench {
  readonly #plan: Plan;
  readonly #io: Io;
  readonly #stop = new AbortController();

  constructor(plan: Plan, io: Io) {
    this.#plan = plan;
    this.#io = io;
  }

  async run(): Promise<ExitCode> {
    const release = this.#io.onSignal(() => this.#stop.abort());
    const folder = mkdtempSync(join(tmpdir(), 'trunkbridge-bench-'));
    try {
      const tls = this.#plan.wss ? await agentCertificate(folder) : undefined;
      if (this.#plan.stress !== undefined) return await this.#stress(this.#plan.stress, tls, folder);
      return this.#plan.soak ? await this.#soak(tls) : await this.#compare(tls);
    } catch (error) {
      this.#io.err(`trunkbridge bench: ${error instanceof Error ? error.message : String(error)}`);
      return exitCodes.failed;
    } finally {
      release();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  async #compare(tls: RoundOptions['tls']): Promise<ExitCode> {
    const { calls, rounds } = this.#plan;
    const { against } = comparisonOf(this.#plan);
    const pairs: { readonly bridge: Figures; readonly other: Figures; readonly ratio: Ratio }[] = [];
    for (let round = 1; round <= rounds; round++) {
      for (const number of calls) pairs.push(await this.#pair(number, round % 2 === 0, tls));
    }
    const bounds = boundsOf(pairs, this.#plan);
    const ratios = calls.map(number => ratiosInWords(pairs, number, against));
    const text = [
      ...Array.from({ length: rounds }, (_, round) =>
        tableOf(
          pairs.slice(round * calls.length, (round + 1) * calls.length).flatMap(p => [p.bridge, p.other]),
        ),
      ),
      ratios.map(({ words }) => words).join('\n'),
      ...(bounds.length === 0 ? [] : [boundsInWords(bounds)]),
    ].join('\n\n');
    const runs = pairs.map(({ bridge, other, ratio }) => ({ bridge, [other.subject]: other, ratio }));
    this.#tell({ ratios: ratios.map(({ median }) => median), bounds, runs }, text);
    for (const { bridge } of pairs) this.#complain(bridge);
    // Where calls are replaced, more are answered than are up at once.
    const failed = pairs.some(({ bridge }) => (bridge.calling?.answered ?? 0) < bridge.calls);
    return failed ? exitCodes.failed : this.#verdict(bounds);
  }

  /** Every other pair the other way round: what a machine has become slower by meanwhile is then not told of one side. */
  async #pair(calls: number, backwards: boolean, tls: RoundOptions['tls']) {
    const { other: name, ours, theirs } = comparisonOf(this.#plan);
    const first = backwards ? await this.#round(name, calls, tls, theirs) : undefined;
    const bridge = await this.#round('bridge', calls, tls, ours);
    const other = first ?? (await this.#round(name, calls, tls, theirs));
    return { bridge, other, ratio: ratioOf(bridge, other) };
  }

  async #soak(tls: RoundOptions['tls']): Promise<ExitCode> {
    const samples: Sample[] = [];
    let begun: number | undefined;
    const figures = await this.#round('bridge', this.#plan.calls[0] ?? 1, tls, {
      holdMs: soakHoldMs,
      sampleMs: soakSampleMs,
      onSample: ({ at, residentMb }) => {
        begun ??= at;
        const minute = (at - begun) / 60_000;
        samples.push({ minute, residentMb });
        this.#note(`minute ${minute.toFixed(1)}: ${residentMb.toFixed(1)} MB`);
      },
    });
    const growth = growthOf(samples);
    const flat = growth !== undefined && growth <= flatWithin;
    const verdict =
      growth === undefined
        ? 'Too short to say anything of memory.'
        : `Memory grew by ${(growth * 100).toFixed(1)} % after the warm-up: ${flat ? 'flat' : 'not flat'}.`;
    this.#complain(figures);
    this.#tell(
      { soak: { growth, flat, samples }, runs: [{ bridge: figures }] },
      `${tableOf([figures])}\n\n${verdict}`,
    );
    return growth === undefined || flat ? exitCodes.ok : exitCodes.failed;
  }

  async #stress(names: readonly StressName[], tls: RoundOptions['tls'], folder: string): Promise<ExitCode> {
    const { seconds, calls } = this.#plan;
    const number = calls[0] ?? 1;
    const records = Math.min(mostRecords, recordsPerSecond * seconds);
    this.#note(`writing ${records} records to be searched`);
    const data = await makeRecords(folder, records);
    const more = { hook, data };
    const bridge = await runStress(this.#options('bridge', number, tls, more), names);
    const floor = floorPhase(await this.#round('floor', number, tls));
    const phases = [floor, ...bridge];
    const bounds = stressBounds(phases);
    this.#tell({ stress: { records, phases }, bounds }, `${stressTable(phases)}\n\n${boundsInWords(bounds)}`);
    return this.#verdict(bounds);
  }

  #round(
    subject: Figures['subject'],
    calls: number,
    tls: RoundOptions['tls'],
    more: Partial<RoundOptions> = {},
  ): Promise<Figures> {
    return runRound(this.#options(subject, calls, tls, more));
  }

  #options(
    subject: Figures['subject'],
    calls: number,
    tls: RoundOptions['tls'],
    more: Partial<RoundOptions>,
  ): RoundOptions {
    const { profile, seconds, workers, recording, lag, profileFolder } = this.#plan;
    return {
      subject,
      profile,
      calls,
      seconds,
      workers,
      recording,
      programs,
      note: what => this.#note(`${subject}, ${calls} calls: ${what}`),
      stopped: this.#stop.signal,
      ...(tls === undefined ? {} : { tls }),
      ...(lag ? { lagHook } : {}),
      ...(profileFolder === undefined ? {} : { nodeArgs: ['--cpu-prof', `--cpu-prof-dir=${profileFolder}`] }),
      ...more,
    };
  }

  #tell(result: object, text: string): void {
    const { calls: _calls, save, json, profileFolder: _folder, ...run } = this.#plan;
    const machine = { cores: cpus().length, cpu: cpus()[0]?.model.trim(), node: process.version };
    const all = { version: version(), date: new Date().toISOString(), machine, run, settleMs: 0, ...result };
    if (save !== undefined) {
      mkdirSync(save, { recursive: true });
      const { soak, stress } = this.#plan;
      const name = `${version()}${soak ? '-soak' : stress === undefined ? '' : '-stress'}`;
      writeFileSync(join(save, `${name}.json`), `${JSON.stringify(all, null, 2)}\n`);
      writeFileSync(join(save, `${name}.md`), `${this.#heading(machine)}\n\n${text}\n`);
    }
    this.#io.out(json ? JSON.stringify(all) : text);
  }

  #heading({ cores, cpu, node }: { cores: number; cpu: string | undefined; node: string }): string {
    const { profile, seconds, rounds, workers, wss, recording } = this.#plan;
    return `# Trunkbridge ${version()}

${new Date().toISOString().slice(0, 10)}, ${cores} cores of ${cpu}, Node ${node}. Profile ${profile} over ${wss ? 'wss' : 'ws'}${recording ? ', recorded' : ''}, ${workers} worker(s),
${rounds} round(s) with a window of ${seconds} s each, \`agent.settle_ms\` 0. Telephones and agent ran on the same cores.
What each line means: [README](README.md).`;
  }

  #verdict(bounds: readonly Bound[]): ExitCode {
    return !this.#plan.judge || bounds.every(isMet) ? exitCodes.ok : exitCodes.failed;
  }

  /** Says what a table has no place for. */
  #complain({ calls, calling }: Figures): void {
    for (const status of new Set(calling?.failed))
      this.#note(`${calls} calls: a call was refused: ${status}`);
    for (const line of calling?.complaints ?? []) this.#note(`${calls} calls: the bridge wrote: ${line}`);
  }

  #note(text: string): void {
    this.#io.err(`bench: ${text}`);
  }
}

async function agentCertificate(folder: string): Promise<NonNullable<RoundOptions['tls']>> {
  const { cert, key } = await loopbackCertificate();
  const caFile = join(folder, 'agent.pem');
  writeFileSync(caFile, cert);
  return { cert, key, caFile };
}

/** The programs of a run lie beside this one, built or not. */
const file = (path: string) => fileURLToPath(programFile(import.meta.url, path));
const hook = file('../sim/load/stress-hook');
const lagHook = file('../sim/load/lag-hook');
const programs: RoundOptions['programs'] = {
  bridge: file('../main'),
  agent: file('../sim/load/agent-process'),
  generator: file('../sim/load/generator-process'),
  floor: file('../sim/load/floor-process'),
};
