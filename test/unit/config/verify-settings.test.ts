import { describe, expect, it } from 'vitest';
import { changesBetween } from '../../../src/config/changes.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { verifyNotes } from '../../../src/config/verify-settings.ts';
import { defaultVerifyPolicy } from '../../../src/tools/verify/policy.ts';

const load = (yaml: string) =>
  loadConfig({
    path: 't.yaml',
    read: () => yaml,
    env: { ELEVENLABS_API_KEY: 'a-key', ELEVENLABS_AGENT_ID: 'agent_1' },
  });
function good(yaml: string) {
  const loaded = load(yaml);
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  return loaded.value;
}
const problems = (yaml: string) => {
  const loaded = load(yaml);
  return loaded.ok ? [] : loaded.failure.map(({ where, what }) => `${where}: ${what}`);
};

describe('the policy of one-time codes in the configuration', () => {
  it('is without a word of it what the tools have as their default', () => {
    expect(good('').config.verify).toEqual({ ...defaultVerifyPolicy, requiredFor: [] });
  });

  it('is taken from every setting', () => {
    const { config } = good(`
verify:
  destinations: listed
  listed_numbers: ["+4930901820", "+442071838750"]
  allowed_prefixes: ["+49", "+44"]
  denied_prefixes: ["+4911"]
  sends_per_call: 1
  checks_per_call: 2
  sends_per_number_hour: 3
  sends_per_number_day: 4
  sends_per_hour: 5
  sends_per_day: 6
  resend_seconds: 7
  landline_call: false
  secure_keypad: false
  required_for: [transfer_to_number]
  dry_run: true
`);
    expect(config.verify).toEqual({
      destinations: 'listed',
      listedNumbers: ['+4930901820', '+442071838750'],
      allowedPrefixes: ['+49', '+44'],
      deniedPrefixes: ['+4911'],
      sendsPerCall: 1,
      checksPerCall: 2,
      sendsPerNumberHour: 3,
      sendsPerNumberDay: 4,
      sendsPerHour: 5,
      sendsPerDay: 6,
      resendAfterMs: 7_000,
      landlineCall: false,
      secureKeypad: false,
      requiredFor: ['transfer_to_number'],
      dryRun: true,
    });
  });

  it('takes numbers without quotes, of which YAML makes numbers', () => {
    const { verify } = good(
      'verify: { listed_numbers: +4930901820, allowed_prefixes: [+49, +1], denied_prefixes: +881 }',
    ).config;
    expect(verify).toMatchObject({
      listedNumbers: ['+4930901820'],
      allowedPrefixes: ['+49', '+1'],
      deniedPrefixes: ['+881'],
    });
  });

  it('may deny nothing', () => {
    expect(good('verify: { denied_prefixes: [] }').config.verify.deniedPrefixes).toEqual([]);
  });

  it.each([
    ['destinations: everyone', 'verify.destinations', /own, listed/],
    [
      'listed_numbers: ["030 901820"]',
      'verify.listed_numbers',
      /with plus and country code, like \+4930901820/,
    ],
    ['allowed_prefixes: ["0049"]', 'verify.allowed_prefixes', /write it like \+49/],
    ['denied_prefixes: ["+"]', 'verify.denied_prefixes', /write it like \+49/],
    ['sends_per_call: 0', 'verify.sends_per_call', /1/],
    ['resend_seconds: 4', 'verify.resend_seconds', /5/],
    ['required_for: ["a tool"]', 'verify.required_for', /is not the name of a tool/],
    ['dry_run: perhaps', 'verify.dry_run', /true/],
    ['send_per_call: 3', 'verify.send_per_call', /did you mean/],
  ])('is refused with %s, by its name', (line, where, what) => {
    const [problem, ...more] = problems(`verify:\n  ${line}\n`);
    expect(more).toEqual([]);
    expect(problem).toContain(where.split('.')[1]);
    expect(problem).toMatch(what);
  });

  it('is in force after a reload', () => {
    const before = good('').config;
    const after = good('verify: { dry_run: true }').config;
    expect(changesBetween(before, after)).toMatchObject({ restart: [] });
  });
});

describe('what is said of settings that open nothing alone', () => {
  it.each([
    ['own', []],
    ['any', [/^verify.destinations is any: .*trunkbridge twilio allow-sends/]],
    ['listed', [/^verify.destinations is listed/, /no number in verify.listed_numbers/]],
  ] as const)('destinations %s', (destinations, patterns) => {
    const notes = verifyNotes({ destinations, listedNumbers: [] });
    expect(notes).toEqual(patterns.map(pattern => expect.stringMatching(pattern)));
  });

  it('is a note of the configuration', () => {
    expect(good('').notes).toEqual([]);
    expect(good('verify: { destinations: any }').notes).toEqual([
      expect.stringContaining('verify.destinations is any'),
    ]);
  });

  it('is refused where the file wants to open what is opened by its own action alone', () => {
    expect(problems('tools: { allow_autonomous_sends: true }')).toEqual([
      expect.stringMatching(/allow_autonomous_sends.*: .*trunkbridge twilio allow-sends --confirm/),
    ]);
  });
});
