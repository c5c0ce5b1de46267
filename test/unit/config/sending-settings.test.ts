import { describe, expect, it } from 'vitest';
import { changesBetween } from '../../../src/config/changes.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { defaultSendingPolicy } from '../../../src/tools/sending/policy.ts';

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
const problems = (yaml: string) => {
  const loaded = load(yaml);
  return loaded.ok ? [] : loaded.failure.map(({ where, what }) => `${where}: ${what}`);
};

describe('what agents may send, in the configuration', () => {
  it('is without a word of it what the gate has as its default', () => {
    const byItem = (a: { item: string; prefix: string }, b: { item: string; prefix: string }) =>
      `${a.item} ${a.prefix}` < `${b.item} ${b.prefix}` ? -1 : 1;
    const { sending } = good('');
    const sorted = (costs: typeof sending.costs) => [...costs].sort(byItem);
    expect({ ...sending, costs: sorted(sending.costs) }).toEqual({
      ...defaultSendingPolicy,
      costs: sorted(defaultSendingPolicy.costs),
    });
  });

  it('is taken from every setting', () => {
    const { sending } = good(`
sending:
  allowed_recipients: [+49*, "+14155550123"]
  denied_recipients: ["+4930901820"]
  allowed_countries: [DE, US]
  denied_countries: [FR]
  messages_per_call: 1
  messages_per_recipient_day: 2
  messages_per_day: 3
  money_per_call: 0.5
  money_per_day: 4
  currency: EUR
  costs: [sms +49 0.11, lookup 0.005]
  quiet_hours: 21:30-8:00
  quiet_zone: Europe/Berlin
  repeat_seconds: 60
  dry_run: true
  content: { card: hold, iban: flag, national_id: allow, secret: hold, code: block, link: allow }
  allowed_domains: [example.com]
tools:
  known_numbers: [+4930*, "101"]
  internal_numbers: ["+14155550199"]
`);
    expect(sending).toEqual({
      allowedRecipients: ['+49*', '+14155550123'],
      deniedRecipients: ['+4930901820'],
      allowedCountries: ['DE', 'US'],
      deniedCountries: ['FR'],
      messagesPerCall: 1,
      messagesPerRecipientDay: 2,
      messagesPerDay: 3,
      moneyPerCall: 500_000,
      moneyPerDay: 4_000_000,
      currency: 'EUR',
      costs: [
        { item: 'sms', prefix: '+49', micros: 110_000 },
        { item: 'lookup', prefix: '', micros: 5_000 },
      ],
      quiet: { from: 1_290, to: 480, zone: 'Europe/Berlin' },
      repeatMs: 60_000,
      dryRun: true,
      findings: {
        card: 'hold',
        iban: 'flag',
        national_id: 'allow',
        secret: 'hold',
        code: 'block',
        link: 'allow',
      },
      allowedDomains: ['example.com'],
      knownNumbers: ['+4930*', '101'],
      internalNumbers: ['+14155550199'],
      access: [],
    });
  });

  it('leaves quiet hours to the zone of the recipient unless one is named', () => {
    expect(good('sending: { quiet_hours: "21:00-08:00" }').sending.quiet).toEqual({ from: 1_260, to: 480 });
  });

  it.each([
    ['sending: { quiet_hours: late }', /must be off, or two times/],
    ['sending: { quiet_hours: "08:00-08:00" }', /two different times/],
    ['sending: { quiet_zone: Mars/Olympus }', /time zone/],
    ['sending: { costs: [sms] }', /is not a price/],
    ['sending: { money_per_day: lots }', /must be an amount/],
    ['sending: { allowed_countries: [Germany] }', /is not a country/],
    ['sending: { allowed_recipients: ["0301234"] }', /is not a number/],
    ['sending: { allowed_domains: ["https://example.com"] }', /is not a domain/],
    ['sending: { content: { card: shred } }', /must be one of allow, flag, hold, block/],
    ['tool_access: [{ tools: "*" }]', /needs a tier/],
    ['tool_access: [{ tier: known }]', /needs tools/],
    [
      'tool_access: [{ tools: "*", tier: friends }]',
      /must be one of anyone, known, verified, internal, nobody/,
    ],
    ['tool_access: [{ tools: "*", tier: known, number: "+49" }]', /phone_number/],
  ])('says what is wrong with %s', (yaml, says) => {
    expect(problems(yaml)).toEqual([expect.stringMatching(says)]);
  });

  it('has who may use which tool, in its order', () => {
    const { sending } = good(`
tool_access:
  - { tools: [twilio_lookup_phone], agent_id: agent_1, phone_number: +4930*, tier: known, own_tier: anyone }
  - { tools: "*", tier: nobody }
`);
    expect(sending.access).toEqual([
      {
        tools: ['twilio_lookup_phone'],
        agentId: 'agent_1',
        number: '+4930*',
        tier: 'known',
        ownTier: 'anyone',
      },
      { tools: ['*'], tier: 'nobody' },
    ]);
  });

  it('holds as soon as it is reloaded', () => {
    expect(changesBetween(good(''), good('sending: { dry_run: true }'))).toEqual({
      live: ['sending'],
      restart: [],
    });
  });
});
