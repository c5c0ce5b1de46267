import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv, type ValidateFunction } from 'ajv';
import { beforeAll, describe, expect, it } from 'vitest';
import { ElevenLabsRest } from '../../src/agent/elevenlabs/setup/rest.ts';
import { applySetup, planSetup, readWorkspace, storeSecret } from '../../src/agent/elevenlabs/setup/setup.ts';
import { moreTools, toolConfigs, toolKinds } from '../../src/agent/elevenlabs/setup/tool-configs.ts';
import { SimAgent } from '../../src/sim/agent/agent.ts';
import { twilioToolSpecs } from '../../src/tools/twilio-tools.ts';

// The schema belongs to ElevenLabs and is no part of this project: where it is not, this suite is skipped.
const schemaFile = fileURLToPath(new URL('../../../shared/elevenlabs/phone-openapi.json', import.meta.url));
const present = existsSync(schemaFile);
if (!present) console.warn('skipped: requests of agent setup against ElevenLabs’ schema, which is not here');

type Operation = {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: object }>> };
};

describe.skipIf(!present)("what agent setup sends, by ElevenLabs' own schema", () => {
  let ajv: Ajv;
  let paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;

  beforeAll(() => {
    const document = JSON.parse(readFileSync(schemaFile, 'utf8'));
    paths = document.paths;
    ajv = new Ajv({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: 'api', components: document.components });
  });

  /** The check of a request's body; undefined when the API has no such operation. */
  function bodyCheck(method: string, path: string): ValidateFunction | undefined {
    const template = Object.keys(paths).find(each =>
      new RegExp(`^${each.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    const schema =
      paths[template ?? '']?.[method.toLowerCase()]?.requestBody?.content['application/json']?.schema;
    if (schema === undefined) return undefined;
    return ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"api#/')));
  }

  it.each(toolKinds)('is right for %s tools, made and then mended', async kind => {
    const sim = await SimAgent.start();
    try {
      const rest = new ElevenLabsRest({ baseUrl: sim.baseUrl, apiKey: sim.apiKey });
      sim.workspace.addAgent('agent_desk');
      const secret = await storeSecret(rest, 'ours', 'value');
      await storeSecret(rest, 'ours', 'another');
      if (!secret.ok) throw secret.failure;
      const door = { url: 'https://bridge.example.com', secretId: secret.value };
      const tools = toolConfigs(kind, door, moreTools, twilioToolSpecs());
      for (const change of [{}, { response_timeout_secs: 19 }]) {
        const workspace = await readWorkspace(rest, 'agent_desk');
        if (!workspace.ok) throw workspace.failure;
        const wish = { tools: tools.map(tool => ({ ...tool, ...change })), audio: 'wideband' } as const;
        await applySetup(rest, workspace.value, planSetup(workspace.value, wish));
      }
      const sent = sim.workspace.requests.filter(({ body }) => body !== undefined);
      expect(new Set(sent.map(({ method }) => method))).toEqual(new Set(['POST', 'PATCH']));
      for (const { method, path, body } of sent) {
        const check = bodyCheck(method, path);
        expect(check, `${method} ${path}`).toBeDefined();
        expect([check?.(body), check?.errors ?? null], `${method} ${path}`).toEqual([true, null]);
      }
    } finally {
      await sim.close();
    }
  });

  it('would not be right with a tool that has no name', () => {
    const check = bodyCheck('POST', '/v1/convai/tools');
    expect(check?.({ tool_config: { type: 'client', description: 'x' } })).toBe(false);
  });
});
