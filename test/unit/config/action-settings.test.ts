import { describe, expect, it } from 'vitest';
import { changesBetween, liveParts } from '../../../src/config/changes.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { defaultActionPolicy } from '../../../src/tools/operator/policy.ts';

const load = (yaml: string) =>
  loadConfig({
    path: 't.yaml',
    read: () => yaml,
    env: { ELEVENLABS_API_KEY: 'a-key', ELEVENLABS_AGENT_ID: 'agent_1' },
  });
function good(yaml: string) {
  const loaded = load(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value.config;
}

describe("what the operator's programs may use, in the configuration", () => {
  it('is bounded without a word of it', () => {
    expect(good('').actions).toEqual(defaultActionPolicy);
  });

  it('is taken from every setting, and changes while the daemon runs', () => {
    const before = good('');
    const after = good('actions: { messages_per_day: 3, calls_per_day: 0, money_per_day: 0.5 }');
    expect(after.actions).toEqual({ messagesPerDay: 3, callsPerDay: 0, moneyPerDay: 500_000 });
    expect(changesBetween(before, after)).toEqual({ live: ['actions'], restart: [] });
    expect(liveParts(before, after).actions).toEqual(after.actions);
  });

  it.each([
    ['actions: { money_per_day: much }', /actions\.money_per_day.*amount/],
    ['actions: { calls_per_day: -1 }', /actions\.calls_per_day/],
    ['actions: { mesages_per_day: 1 }', /actions\.messages_per_day/],
  ])('is refused where %s', (yaml, what) => {
    const loaded = load(yaml);
    const told = loaded.ok ? '' : loaded.failure.map(each => `${each.where}: ${each.what}`).join();
    expect(told).toMatch(what);
  });
});
