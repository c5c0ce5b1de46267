import { describe, expect, it } from 'vitest';
import { agentLimits } from '../../../src/agent/elevenlabs/limits.ts';
import { clientDataLimits } from '../../../src/agent/elevenlabs/protocol/client-data.ts';
import { fileLimits } from '../../../src/config/file.ts';
import { overloadLimits } from '../../../src/core/overload.ts';
import { httpLimits } from '../../../src/http/limits.ts';
import { inboundLimits } from '../../../src/media/inbound/limits.ts';
import { mediaLimits } from '../../../src/media/limits.ts';
import { logLimits } from '../../../src/observability/log.ts';
import { recordingLimits } from '../../../src/recording/limits.ts';
import { sdpLimits } from '../../../src/sdp/limits.ts';
import { stackLimits } from '../../../src/sip/embedded/limits.ts';
import { messageLimits } from '../../../src/sip/embedded/message/limits.ts';
import { verifyLimits } from '../../../src/tools/verify/limits.ts';
import { digestLimits } from '../../../src/trunks/digest.ts';
import { headerLimits } from '../../../src/trunks/header-variables.ts';
import { trunkLimits } from '../../../src/trunks/limits.ts';
import { twilioLimits } from '../../../src/twilio/limits.ts';
import { webhookLimits } from '../../../src/webhooks/limits.ts';
import { readText, rowsOf, section } from './document.ts';

const text = readText('docs/refused.md');

const documented: Readonly<Record<string, object>> = {
  'SIP: connections and transactions': stackLimits,
  'Who may call': trunkLimits,
  'Too busy': overloadLimits,
  'Passwords (digest)': digestLimits,
  'SIP: one message': messageLimits,
  SDP: sdpLimits,
  'Headers for the agent': headerLimits,
  'Sound to the telephone': mediaLimits,
  'Sound from the telephone': inboundLimits,
  Recordings: recordingLimits,
  'The conversation with the agent': agentLimits,
  'One-time codes': verifyLimits,
  'Requests to Twilio': twilioLimits,
  Webhooks: webhookLimits,
  'What a conversation begins with': clientDataLimits,
  'HTTP server': httpLimits,
  'Configuration file': fileLimits,
  'The log': logLimits,
};

describe('docs/refused.md', () => {
  it.each(Object.keys(documented))('names every limit of "%s" with its default, and no other', title => {
    const rows = rowsOf(section(text, `### ${title}`));
    const shown = Object.fromEntries(rows.map(([name = '', value = '']) => [name, Number(value)]));
    expect(shown).toEqual({ ...documented[title] });
  });

  it('has no table of limits that is compared with nothing', () => {
    const titles = [...section(text, '## Limits').matchAll(/^### (.*)$/gm)].map(match => match[1]);
    expect(titles.sort()).toEqual(Object.keys(documented).sort());
  });

  it('says of every limit what it bounds', () => {
    const rows = Object.keys(documented).flatMap(title => rowsOf(section(text, `### ${title}`)));
    expect(rows.filter(([, , what = '']) => what === '')).toEqual([]);
  });
});
