import { existsSync, readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { toolConfigs } from '../../../src/agent/elevenlabs/setup/tool-configs.ts';
import { bareAgent } from '../../../src/cli/agent-files.ts';
import { loadConfig } from '../../../src/config/load.ts';
import { settings } from '../../../src/config/settings.ts';
import { systemClock } from '../../../src/core/clock.ts';
import { stackLimits } from '../../../src/sip/embedded/limits.ts';
import { twilioToolNames, twilioToolSpecs } from '../../../src/tools/twilio-tools.ts';
import { defaultVerifyPolicy } from '../../../src/tools/verify/policy.ts';
import { createVerifyTools } from '../../../src/tools/verify/tools.ts';
import { FakeStore } from '../../support/fake-store.ts';
import { OpenGate } from '../../support/open-gate.ts';
import { readText, root } from './document.ts';

const path = `${root}/examples/trunkbridge.yaml`;
const needed = { ELEVENLABS_API_KEY: 'a-key', ELEVENLABS_AGENT_ID: 'agent_1' };

/** The file with its settings that are commented out, `# key: value`, switched on. */
const switchedOn = () =>
  readText('examples/trunkbridge.yaml').replace(/^( +)# ((?: *[\w]+:| {2}- \w+:).*)$/gm, '$1$2');

describe('examples/trunkbridge.yaml', () => {
  it('is a configuration without a problem or a note', () => {
    const loaded = loadConfig({ path, env: needed });
    expect(loaded).toMatchObject({ ok: true, value: { path, notes: [] } });
  });

  it('changes nothing: every value in it is the default', () => {
    const loaded = loadConfig({ path, env: needed });
    const bare = loadConfig({ env: needed });
    if (!loaded.ok || !bare.ok) throw new Error('a configuration cannot be used');
    expect(loaded.value.config).toEqual(bare.value.config);
  });

  it('has every key, switched on or commented out', () => {
    const shown: string[] = [];
    const walk = (node: unknown, at: string) => {
      if (typeof node !== 'object' || node === null || Array.isArray(node)) shown.push(at);
      else for (const [key, value] of Object.entries(node)) walk(value, at === '' ? key : `${at}.${key}`);
    };
    walk(parse(switchedOn()), '');
    const own = shown.filter(key => !key.startsWith('sip.limits.'));
    expect(own.sort()).toEqual(Object.keys(settings).sort());
  });

  it('shows a limit of the SIP stack that there is', () => {
    const limits = (parse(switchedOn()) as { sip: { limits: object } }).sip.limits;
    expect(Object.keys(stackLimits)).toEqual(expect.arrayContaining(Object.keys(limits)));
    expect(Object.keys(limits)).not.toEqual([]);
  });
});

describe('examples/asterisk', () => {
  const dialplan = readText('examples/asterisk/extensions.conf');
  const pjsip = readText('examples/asterisk/pjsip.conf');
  const reached = [/TRANSFER_CONTEXT=([\w-]+)/.exec(dialplan)?.[1], /^context=(.*)$/m.exec(pjsip)?.[1]];

  it('takes no transfer and no call of the bridge to an extension that it does not name', () => {
    for (const name of reached) {
      const context = dialplan.split(/^\[/m).find(part => part.startsWith(`${name}]`));
      expect(context).toBeDefined();
      expect(context).not.toMatch(/^exten => _[.!X]/m);
    }
  });

  it('has a line for TLS and SRTP in the place of each that is for TCP', () => {
    const secure = [...pjsip.matchAll(/^;tls;(.*)$/gm)].map(match => match[1]);
    expect(secure).toEqual(
      expect.arrayContaining([
        '[transport-tls]',
        'transport=transport-tls',
        'media_encryption=sdes',
        String.raw`contact=sip:bridge.example.com:5061\;transport=tls`,
      ]),
    );
  });
});

interface ToolBody {
  readonly tool_config: {
    readonly name: string;
    readonly expects_response: boolean;
    readonly response_timeout_secs: number;
    readonly parameters: {
      readonly required: string[];
      readonly properties: Record<string, { type: string; enum?: string[] }>;
    };
  };
}

const json = (name: string) => JSON.parse(readText(`examples/elevenlabs/${name}.json`)) as unknown;
const tools = createVerifyTools({
  gate: new OpenGate(),
  verify: () => undefined,
  gates: { read: () => ({ allowAutonomousSends: false, killSwitch: false }) },
  policy: () => defaultVerifyPolicy,
  counters: new FakeStore({ clock: systemClock }).counters,
});

describe('examples/elevenlabs', () => {
  it('is what agent setup makes', () => {
    for (const config of toolConfigs('client', undefined, [], twilioToolSpecs())) {
      expect(json(config.name)).toEqual({ tool_config: config });
    }
    const { conversation_config: example } = json('agent') as {
      conversation_config: Record<string, unknown>;
    };
    const { conversation_config: made } = bareAgent();
    expect(example).toMatchObject({
      asr: made.asr,
      tts: made.tts,
      conversation: made.conversation,
    });
  });

  it.each(tools)('$name has the parameters that the bridge takes', tool => {
    const { tool_config: body } = json(tool.name) as ToolBody;
    const shape = (tool.input as unknown as z.ZodObject).shape;
    expect(body.name).toBe(tool.name);
    expect(Object.keys(body.parameters.properties).sort()).toEqual(Object.keys(shape).sort());
    const optional = (name: string) => z.safeParse(shape[name] as z.ZodType, undefined).success;
    expect(body.parameters.required.sort()).toEqual(
      Object.keys(shape)
        .filter(name => !optional(name))
        .sort(),
    );
    expect(Object.values(body.parameters.properties).map(({ type }) => type)).not.toContain('number');
  });

  it.each(tools)('$name waits for the answer, longer than the bridge takes', tool => {
    const { tool_config: body } = json(tool.name) as ToolBody;
    expect(body.expects_response).toBe(true);
    expect(body.response_timeout_secs).toBeGreaterThan(15);
  });

  it('offers the channels that Verify has, and takes what it offers', () => {
    const channels = (json('send_SMS_verification') as ToolBody).tool_config.parameters.properties['Channel']
      ?.enum;
    const input = tools[0]?.input;
    for (const Channel of channels ?? [])
      expect(input?.safeParse({ To: '+14155550123', Channel }).success).toBe(true);
    expect(channels).toEqual(['sms', 'call', 'whatsapp']);
  });
});

const schemaPath = `${root}/../shared/elevenlabs/phone-openapi.json`;
const bodies = [
  { name: 'send_SMS_verification', schema: 'ToolRequestModel' },
  { name: 'check_SMS_verification', schema: 'ToolRequestModel' },
  ...twilioToolNames.map(name => ({ name, schema: 'ToolRequestModel' })),
  { name: 'agent', schema: 'Body_Patches_an_Agent_settings_v1_convai_agents__agent_id__patch' },
];

describe.skipIf(!existsSync(schemaPath))("ElevenLabs' own API description", () => {
  it.each(bodies)('takes $name.json', ({ name, schema }) => {
    const api = JSON.parse(readFileSync(schemaPath, 'utf8')) as object;
    const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false, discriminator: false });
    ajv.addSchema(api, 'api');
    const validate = ajv.compile({ $ref: `api#/components/schemas/${schema}` });
    validate(json(name));
    expect(validate.errors).toBeNull();
  });
});
