import { describe, expect, it } from 'vitest';
import { callerNumber } from '../../../src/tools/caller-number.ts';
import { someFacts } from '../../support/fake-call.ts';

const numberOf = (callerId: string, country: string, callerTrusted = true) =>
  callerNumber({ ...someFacts, callerId, callerTrusted, country }, undefined);

describe("the caller's own number", () => {
  it.each([
    ['DE', '030 1234567', '+49301234567'],
    ['DE', '+49301234567', '+49301234567'],
    ['AT', '0664 1234567', '+436641234567'],
    ['SG', '61234567', '+6561234567'],
    ['US', '(415) 555-0123', '+14155550123'],
  ])('is in %s for %s %s', (country, given, number) => {
    expect(numberOf(given, country)).toBe(number);
    expect(numberOf(given, country, false)).toBeUndefined();
  });

  it.each([
    ['DE', '2071'],
    ['AT', '50123'],
    ['AU', '12345'],
    ['NO', '110000'],
    ['SG', '1001'],
  ])('is none in %s for the extension %s', (country, extension) => {
    expect(numberOf(extension, country)).toBeUndefined();
  });
});
