import twilio from 'twilio';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/core/clock.ts';
import type { SimAnswer } from '../../src/sim/twilio/errors.ts';
import { type SimRequest, SimTwilio } from '../../src/sim/twilio/server.ts';
import { twilioLimits } from '../../src/twilio/limits.ts';
import { BridgeRequestClient } from '../../src/twilio/request-client.ts';
import { TwilioDocuments, twilioDocumentsPresent } from '../support/twilio-documents.ts';

const number = '+14155550123';
const whatsapp = `whatsapp:${number}`;
type Sdk = ReturnType<typeof twilio>;

/** Operations of the documents that nothing here has a use for. */
const unused = [
  'CreateStream',
  'UpdateStream',
  'ListCallEvent',
  'CreateCallRecording',
  'UpdateCallRecording',
];

/** What the official package is made to do, by the operations that it comes to. */
const uses: Readonly<Record<string, (sdk: Sdk, sim: SimTwilio) => Promise<unknown>>> = {
  CreateVerification: sdk => service(sdk).verifications.create({ to: number, channel: 'sms' }),
  FetchVerification: sdk => service(sdk).verifications(number).fetch(),
  CreateVerificationCheck: sdk => service(sdk).verificationChecks.create({ to: number, code: '0000' }),
  UpdateVerification: sdk => service(sdk).verifications(number).update({ status: 'canceled' }),
  ListService: sdk => sdk.verify.v2.services.list({ limit: 5 }),
  FetchService: sdk => service(sdk).fetch(),
  CreateMessage: async (sdk, { phoneNumber: from, messagingServiceSid, content }) => {
    const mediaUrl = ['https://files.example/a.png', 'https://files.example/b.png'];
    await sdk.messages.create({ to: number, from, body: 'Hello', statusCallback: 'http://127.0.0.1:1/s' });
    await sdk.messages.create({ to: number, messagingServiceSid, body: 'Hello', mediaUrl });
    const template = content.all[0]?.sid ?? '';
    const contentVariables = '{"1":"noon"}';
    await sdk.messages.create({
      to: whatsapp,
      from: `whatsapp:${from}`,
      contentSid: template,
      contentVariables,
    });
  },
  ListMessage: async sdk => {
    await sdk.messages.list({ limit: 2, pageSize: 1, to: number });
    const hour = 3_600_000;
    const dateSentAfter = new Date(Date.now() - hour);
    await sdk.messages.list({ limit: 20, dateSentAfter, dateSentBefore: new Date(Date.now() + hour) });
    await sdk.messages.list({ limit: 20, dateSent: new Date() });
  },
  FetchMessage: (sdk, { messages }) => sdk.messages(messages.all[0]?.sid ?? '').fetch(),
  ListMedia: (sdk, sim) => sdk.messages(withMedia(sim).sid).media.list({ limit: 5 }),
  FetchMedia: (sdk, sim) => {
    const { sid, media } = withMedia(sim);
    return sdk
      .messages(sid)
      .media(media[0]?.sid ?? '')
      .fetch();
  },
  CreateCall: (sdk, { phoneNumber: from }) =>
    sdk.calls.create({
      to: number,
      from,
      url: 'https://bridge.example/twilio/voice',
      statusCallback: 'http://127.0.0.1:1/c',
      statusCallbackEvent: ['initiated', 'ringing', 'answered', 'completed'],
    }),
  ListCall: async sdk => {
    await sdk.calls.list({ limit: 2, pageSize: 1 });
    await sdk.calls.list({ limit: 5, status: 'queued', to: number, startTimeAfter: new Date(0) });
  },
  FetchCall: (sdk, { calls }) => sdk.calls(calls.all[0]?.sid ?? '').fetch(),
  UpdateCall: async (sdk, { calls, phoneNumber: from }) => {
    const { sid } = await sdk.calls.create({ to: number, from, twiml: '<Response/>' });
    await sdk.calls(sid).update({ status: 'completed' });
    calls.recordings.add(sid);
  },
  ListCallRecording: (sdk, sim) => sdk.calls(recorded(sim).callSid).recordings.list({ limit: 5 }),
  ListRecording: (sdk, sim) => sdk.recordings.list({ limit: 5, callSid: recorded(sim).callSid }),
  FetchRecording: (sdk, sim) => sdk.recordings(recorded(sim).sid).fetch(),
  FetchAccount: sdk => sdk.api.v2010.accounts(sdk.accountSid).fetch(),
  FetchBalance: sdk => sdk.balance.fetch(),
  ListIncomingPhoneNumber: (sdk, { phoneNumber }) => sdk.incomingPhoneNumbers.list({ limit: 5, phoneNumber }),
  FetchIncomingPhoneNumber: (sdk, { numbers }) =>
    sdk.incomingPhoneNumbers(numbers.bought[0]?.sid ?? '').fetch(),
  UpdateIncomingPhoneNumber: (sdk, { numbers }) =>
    sdk.incomingPhoneNumbers(numbers.bought[0]?.sid ?? '').update({
      voiceUrl: 'https://bridge.example/twilio/voice',
      statusCallback: 'https://bridge.example/twilio/status',
    }),
  ListOutgoingCallerId: sdk => sdk.outgoingCallerIds.list({ limit: 5 }),
  FetchPhoneNumber: async sdk => {
    const fields = 'line_type_intelligence,caller_name,sim_swap,line_status,sms_pumping_risk';
    await sdk.lookups.v2.phoneNumbers(number).fetch({ fields });
    await sdk.lookups.v2.phoneNumbers('+1415').fetch();
  },
  ListContent: sdk => sdk.content.v1.contents.list({ limit: 2, pageSize: 1 }),
  FetchContent: (sdk, { content }) => sdk.content.v1.contents(content.all[0]?.sid ?? '').fetch(),
  ListUsageRecord: sdk =>
    sdk.usage.records.list({
      limit: 5,
      category: 'sms',
      startDate: new Date('2026-01-01'),
      endDate: new Date('2026-02-01'),
    }),
  ListUsageRecordToday: sdk => sdk.usage.records.today.list({ limit: 5 }),
  ListUsageRecordYesterday: sdk => sdk.usage.records.yesterday.list({ limit: 5 }),
  ListUsageRecordThisMonth: sdk => sdk.usage.records.thisMonth.list({ limit: 5 }),
  ListUsageRecordLastMonth: sdk => sdk.usage.records.lastMonth.list({ limit: 5 }),
  ListUsageRecordDaily: sdk => sdk.usage.records.daily.list({ limit: 5 }),
  ListUsageRecordMonthly: sdk => sdk.usage.records.monthly.list({ limit: 5 }),
  ListUsageRecordYearly: sdk => sdk.usage.records.yearly.list({ limit: 5 }),
  ListUsageRecordAllTime: sdk => sdk.usage.records.allTime.list({ limit: 5 }),
};

let serviceSid = '';
const service = (sdk: Sdk) => sdk.verify.v2.services(serviceSid);

function withMedia({ messages }: SimTwilio) {
  const found = messages.all.find(({ media }) => media.length > 0);
  if (found === undefined) throw new Error('no message has media');
  return found;
}

function recorded({ calls }: SimTwilio) {
  const found = calls.recordings.all[0];
  if (found === undefined) throw new Error('no call was recorded');
  return found;
}

describe('the stand-in Twilio and the official package', () => {
  let sim: SimTwilio;
  let sdk: Sdk;
  const seen: (readonly [SimRequest, SimAnswer])[] = [];
  const failures: string[] = [];
  let documents: TwilioDocuments;

  beforeAll(async () => {
    if (twilioDocumentsPresent) documents = await TwilioDocuments.open();
    sim = await SimTwilio.start({ onAnswer: (request, answer) => seen.push([request, answer]) });
    serviceSid = sim.verifyServiceSid;
    sim.content.add('reminder', 'See you at {{1}}.', { 1: 'nine' });
    sim.content.add('thanks', 'Thank you.');
    sim.numbers.verifyCallerId('+14155550188', 'Desk');
    await sim.messages.receive({ from: whatsapp, to: `whatsapp:${sim.phoneNumber}`, body: 'Hi' });
    const httpClient = new BridgeRequestClient({
      baseUrl: new URL(sim.baseUrl),
      clock: systemClock,
      limits: twilioLimits,
      random: Math.random,
    });
    sdk = twilio(sim.apiKeySid, sim.apiKeySecret, { accountSid: sim.accountSid, httpClient });
    for (const [operation, use] of Object.entries(uses)) {
      await use(sdk, sim).catch(error => failures.push(`${operation}: ${JSON.stringify(error)}`));
    }
  });
  afterAll(() => sim.close());

  it('understand each other in every operation', () => {
    expect(failures).toEqual([]);
    expect(seen.map(([, { status }]) => status).filter(status => status > 299)).toEqual([]);
  });

  describe.skipIf(!twilioDocumentsPresent)('beside the documents of Twilio (shared/twilio-openapi)', () => {
    it('come to every operation that is described and used', () => {
      const names = new Set(seen.map(([request]) => documents.operation(request)));
      expect(Object.keys(uses).filter(name => !names.has(name))).toEqual([]);
      expect(documents.operations.filter(name => !unused.includes(name) && !names.has(name))).toEqual([]);
    });

    it('make requests and give answers that are as described', () => {
      for (const [request, answer] of seen) {
        const name = documents.operation(request);
        expect([name, documents.ofRequest(request)]).toEqual([name, []]);
        expect([name, documents.ofAnswer(request, answer)]).toEqual([name, []]);
      }
    });

    const account = '/2010-04-01/Accounts/ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const list: SimRequest = { method: 'GET', path: `${account}/Messages.json`, params: {} };
    const create: SimRequest = { ...list, method: 'POST', params: { To: number, Body: 'Hello' } };
    const verifications = { method: 'POST', path: `/v2/Services/VA${'a'.repeat(32)}/Verifications` };

    it.each<readonly [string, SimRequest]>([
      ['a message to nobody', { ...create, params: { Body: 'Hello' } }],
      ['media that is no URL', { ...create, params: { To: number, MediaUrl: ['a', 'b'] } }],
      ['a sender that is none', { ...create, params: { To: number, MessagingServiceSid: 'MG1' } }],
      ['a date that is none', { ...list, params: { 'DateSent>': 'yesterday' } }],
      ['a filter that is none', { ...list, params: { Body: 'Hello' } }],
      ['more than a page may have', { ...list, params: { PageSize: '1001' } }],
      ['a verification without a channel', { ...verifications, params: { To: number } }],
    ])('object to %s, and not to the same without it', (_, request) => {
      expect(documents.ofRequest(request)).not.toEqual([]);
      const right = request.path.endsWith('Verifications')
        ? { ...request, params: { To: number, Channel: 'sms' } }
        : request.method === 'POST'
          ? { ...create, params: { To: number, MediaUrl: ['https://a.example', 'https://b.example'] } }
          : { ...list, params: { 'DateSent>': '2026-01-01', PageSize: '1000' } };
      expect(documents.ofRequest(right)).toEqual([]);
    });

    it.each<readonly [string, object]>([
      ['a sid of something else', { sid: 'CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' }],
      ['a status that is none', { status: 'lost' }],
      ['a date of another API', { date_created: '2026-01-01T00:00:00Z' }],
      ['a number where a text is', { num_media: 0 }],
      ['an error code that is a text', { error_code: '30003' }],
    ])('object to an answer with %s', (_, lie) => {
      const [request, answer] = seen.find(([each]) => documents.operation(each) === 'CreateMessage') ?? [];
      if (request === undefined || answer === undefined) throw new Error('no message was created');
      const body = { ...(answer.body as object), ...lie };
      expect(documents.ofAnswer(request, { ...answer, body })).toHaveLength(1);
    });
  });
});
