import { expect } from 'vitest';
import type { CrashReport } from './crash.ts';

/** What has to hold after any number of kills. */
export function expectNothingLost(report: CrashReport): void {
  const told = JSON.stringify(report);
  console.info(told);
  expect(report.lost, told).toEqual([]);
  expect(report.forgotten, told).toEqual([]);
  expect(report.duplicated, told).toEqual([]);
  expect(report.running, told).toEqual([]);
  expect(report.untold, told).toEqual([]);
  // There were calls of both kinds: such that were over before a kill, and such that were up.
  expect(report.witnessed, told).toBeGreaterThan(0);
  expect(Object.keys(report.endings).join(' '), told).toContain('stopped while the call was up');
}
