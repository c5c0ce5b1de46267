import { describe, it } from 'vitest';
import { crash } from '../support/crash.ts';
import { expectNothingLost } from '../support/crash-verdict.ts';

describe('a daemon that is killed under load, 50 times', () => {
  it('loses no finished record, doubles none, closes those that were up, and tells every end', async () => {
    expectNothingLost(await crash(50));
  }, 1_800_000);
});
