import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { type EndingReason, ending } from '../../../src/core/ending.ts';
import { CallDraft } from '../../../src/store/draft.ts';
import { announcements } from '../../../src/webhooks/announcement.ts';
import { someCall, someNumber } from '../../support/call-records.ts';

// The schema belongs to ElevenLabs and is no part of this project.
const schemaFile = new URL('../../../../shared/elevenlabs/phone-openapi.json', import.meta.url);
const document = existsSync(schemaFile) ? readFileSync(schemaFile, 'utf8') : undefined;
if (document === undefined) {
  process.stderr.write(
    'SKIPPED shapes of phone calls in webhooks: no ../shared/elevenlabs/phone-openapi.json\n',
  );
}

const callSid = `CA${'1'.repeat(32)}`;
const streamSid = `MZ${'2'.repeat(32)}`;
const overStream: Parameters<typeof someCall>[0] = {
  ...{ trunk: 'twilio', callSid, callId: callSid, sipCallId: callSid },
  transport: 'stream',
};

/** What is told of a call, by the names of the events. */
function told(
  more: Parameters<typeof someCall>[0],
  { answered = true, reason = 'caller-hung-up' as EndingReason } = {},
) {
  const draft = new CallDraft(someCall(more), 'node-1', 1_700_000_000_000);
  if (answered) draft.update({ answered: true, streamSid }, 1_700_000_001_000);
  draft.update({ transcript: [{ role: 'agent', message: 'Hello', at: 1 }] }, 1_700_000_002_000);
  draft.finish({ end: ending(reason), seconds: 12 }, 1_700_000_013_000);
  const events = ['call_ended', 'call_initiation_failure', 'post_call_transcription'] as const;
  const all = announcements(events, draft.record, draft.secret, () => 486);
  return Object.fromEntries(all.map(({ kind, body }) => [kind, JSON.parse(body ?? '{}').data]));
}

describe('what is told of a call over a media stream', () => {
  it('says Twilio where it says SIP of others, with the ids of call and stream', () => {
    const { call_ended: ended, post_call_transcription: said } = told(overStream);
    expect(ended).toMatchObject({ transport: 'stream', call_sid: callSid, stream_sid: streamSid });
    expect(said.metadata).toMatchObject({ conversation_initiation_source: 'twilio' });
    expect(said.metadata.phone_call).toEqual({
      ...{ type: 'twilio', direction: 'inbound', phone_number_id: 'twilio', call_result: 'answered' },
      ...{ agent_number: '+14155550199', external_number: someNumber },
      ...{ stream_sid: streamSid, call_sid: callSid },
    });
    const other = told({ sipCallId: 'sip-1', callId: 'pbx-1' }).post_call_transcription.metadata;
    expect(other).toMatchObject({
      conversation_initiation_source: 'sip_trunk',
      phone_call: { type: 'sip_trunking', call_id: 'pbx-1', call_sid: 'sip-1' },
    });
  });

  it.each([
    ['agent-busy', 'busy', 'busy'],
    ['ring-timeout', 'no-answer', 'no-answer'],
    ['caller-cancelled', 'unknown', 'canceled'],
    ['agent-unreachable', 'unknown', 'failed'],
  ] as const)('that was never answered, as Twilio says it: %s', (reason, failure, status) => {
    const how = { answered: false, reason };
    const { call_initiation_failure: failed } = told(overStream, how);
    expect(failed).toMatchObject({
      failure_reason: failure,
      metadata: {
        type: 'twilio',
        body: {
          ...{ CallSid: callSid, From: someNumber, To: '+14155550199', Direction: 'inbound' },
          ...{ CallStatus: status, error_reason: reason },
        },
      },
    });
    expect(told({ ...overStream, direction: 'outbound' }, how)).toMatchObject({
      call_initiation_failure: { metadata: { body: { Direction: 'outbound-api' } } },
    });
    expect(told({}, how).call_initiation_failure.metadata).toMatchObject({
      type: 'sip',
      body: { from_number: someNumber, sip_status_code: 486 },
    });
  });

  it.skipIf(document === undefined)('has the shape of a phone call that ElevenLabs describes', () => {
    const { components } = JSON.parse(document ?? '{}');
    const ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'elevenlabs', components });
    for (const [name, call] of [
      ['ConversationHistoryTwilioPhoneCallModel', overStream],
      ['ConversationHistorySIPTrunkingPhoneCallModel', {}],
    ] as const) {
      const check = ajv.getSchema(`elevenlabs#/components/schemas/${name}`);
      const { phone_call } = told(call).post_call_transcription.metadata;
      expect([name, check?.(phone_call), check?.errors]).toEqual([name, true, null]);
      expect([name, check?.({ ...phone_call, type: 'exotel' })]).toEqual([name, false]);
    }
  });
});
