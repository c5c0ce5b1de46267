import { describe, expect, it } from 'vitest';
import { CompiledProcess, type CompiledProcessOptions } from '../../../../src/sim/load/compiled-process.ts';

type Told = { readonly type: 'answer'; readonly to: string } | { readonly type: 'news'; readonly at: number };

/** Stands for a program: news first, then an answer to each line but "nothing"; "die" ends it, "fail" makes it end badly. */
const script = `
  const tell = told => console.log(JSON.stringify(told));
  const { createInterface } = require('node:readline');
  createInterface({ input: process.stdin }).on('line', line => {
    if (line === 'die') process.exit(3);
    if (line === 'fail') process.exitCode = 4;
    tell({ type: 'news', at: line.length });
    if (line !== 'nothing') tell({ type: 'answer', to: line });
  });`;

const lost: Error[] = [];
const start = (more: Partial<CompiledProcessOptions<Told>> = {}) => {
  lost.length = 0;
  return new CompiledProcess<Told>({
    name: 'stand-in',
    path: process.execPath,
    args: ['-e', script],
    onLost: error => lost.push(error),
    ...more,
  });
};
const longMs = 20_000;

describe('a compiled program that runs', () => {
  it('answers in order, and what nobody waits for is news', async () => {
    const news: Told[] = [];
    const program = start({ onNews: told => news.push(told) });
    const answers = await Promise.all(['one', 'three'].map(line => program.ask(line, 'answer', longMs)));
    expect(answers.map(({ to }) => to)).toEqual(['one', 'three']);
    expect(news).toEqual([
      { type: 'news', at: 3 },
      { type: 'news', at: 5 },
    ]);
    await program.close();
    expect(lost).toEqual([]);
    await expect(program.ask('four', 'answer', longMs)).rejects.toThrow('the compiled stand-in was closed');
  });

  it('is lost when it ends by itself, and whoever waits is told', async () => {
    const program = start();
    await expect(program.ask('die', 'answer', longMs)).rejects.toThrow('the compiled stand-in ended with 3');
    expect(lost.map(String)).toEqual(['Error: the compiled stand-in ended with 3']);
    await program.close();
    expect(lost).toHaveLength(1);
  });

  it('is lost when it cannot be run at all', async () => {
    const program = start({ path: '/nowhere/at-all' });
    await expect(program.hear('answer', longMs)).rejects.toThrow('could not be run');
    expect(lost).toHaveLength(1);
    await program.close();
  });

  it('gives up on an answer that does not come', async () => {
    const program = start();
    await expect(program.ask('nothing', 'answer', 50)).rejects.toThrow('did not give "answer" in 50 ms');
    await program.close();
  });

  it('is told of when it ends badly as it is closed', async () => {
    const program = start();
    await program.ask('fail', 'answer', longMs);
    await expect(program.close()).rejects.toThrow('the compiled stand-in ended with 4');
    expect(lost).toEqual([]);
  });
});
