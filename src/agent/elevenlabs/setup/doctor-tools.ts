import { bridgeTokenVariable } from '../../../core/bridge-token.ts';
import type { AgentTool } from './agent-view.ts';
import { advice, type DoctorOptions, type Finding, fault } from './finding.ts';
import { bridgeTokenHeader } from './tool-configs.ts';
import { parametersOf } from './tool-schema.ts';

/** One of the tools of the codes, which every agent needs. */
export function otpTool(name: string, own: readonly AgentTool[], options: DoctorOptions): Finding[] {
  const wanted = name === 'check_SMS_verification' ? ['To', 'Code'] : ['To'];
  return own.some(tool => tool.name === name)
    ? oneTool(name, own, wanted, options)
    : [fault(`The agent has no tool ${name}: no caller can be verified with it.`)];
}

/** A tool of this bridge that the agent has, with the parameters that it must know. */
function oneTool(
  name: string,
  own: readonly AgentTool[],
  wanted: readonly string[],
  options: DoctorOptions,
): Finding[] {
  const tools = own.filter(tool => tool.name === name);
  const [tool] = tools;
  if (tool === undefined) return [];
  const twice =
    tools.length > 1
      ? [fault(`The agent has ${tools.length} tools of the name ${name}: which one runs is chance.`)]
      : [];
  const late =
    (tool.response_timeout_secs ?? 20) < 20
      ? [
          advice(
            `${name} waits ${tool.response_timeout_secs} s for its answer: this bridge may take 15 s, so give it 20.`,
          ),
        ]
      : [];
  const kind =
    tool.type === 'client' ? clientTool(name, tool, wanted) : webhookTool(name, tool, wanted, options);
  return [...twice, ...late, ...kind];
}

/** Tools that an agent has all of, or none. */
export function groupTools(own: readonly AgentTool[], options: DoctorOptions): Finding[] {
  const { group = [] } = options;
  const lacking = group.filter(({ name }) => !own.some(tool => tool.name === name));
  if (lacking.length === group.length) return [];
  const names = lacking.map(({ name }) => name).join(', ');
  const part = advice(
    `The agent has some of the tools of the Twilio account, and lacks ${names}: agent setup --more twilio gives it all of them.`,
  );
  const present = group.filter(tool => !lacking.includes(tool));
  const found = present.flatMap(({ name, input }) =>
    oneTool(name, own, parametersOf(input).required, options),
  );
  return lacking.length === 0 ? found : [part, ...found];
}

interface ParameterSchema {
  readonly properties?: Readonly<Record<string, { readonly type?: string } | undefined>>;
}

function parameters(name: string, schema: unknown, wanted: readonly string[]): Finding[] {
  const properties = (schema as ParameterSchema | null)?.properties ?? {};
  return wanted.flatMap(each => {
    const type = properties[each]?.type;
    if (type === undefined) return [fault(`${name} has no parameter ${each}, with exactly that name.`)];
    if (type === 'string') return [];
    return [
      fault(`Parameter ${each} of ${name} is of type ${type}: as a string it keeps the zeros in front.`),
    ];
  });
}

function clientTool(name: string, tool: AgentTool, wanted: readonly string[]): Finding[] {
  const silent =
    tool.expects_response === true
      ? []
      : [
          fault(
            `${name} does not wait for a response (expects_response): the agent never learns what came of it.`,
          ),
        ];
  return [...silent, ...parameters(name, tool.parameters, wanted)];
}

interface ApiSchema {
  readonly url?: string;
  readonly request_headers?: Readonly<Record<string, unknown>>;
  readonly request_body_schema?: unknown;
}

function webhookTool(
  name: string,
  tool: AgentTool,
  wanted: readonly string[],
  { publicUrl }: DoctorOptions,
): Finding[] {
  if (tool.type !== 'webhook')
    return [fault(`${name} is a ${tool.type} tool: it must be a client or a webhook tool.`)];
  const { url = '', request_headers = {}, request_body_schema } = (tool.api_schema ?? {}) as ApiSchema;
  if (isTwilio(url)) {
    return [
      advice(
        `${name} goes straight to Twilio: what this bridge allows and counts does not hold for it, and keyed digits cannot be checked by the secure keypad. Use agent setup --tools client or bridge.`,
      ),
    ];
  }
  const names = Object.keys(request_headers).map(each => each.toLowerCase());
  const found = parameters(name, request_body_schema, wanted);
  if (publicUrl !== undefined && !url.startsWith(`${publicUrl}/tools/`))
    found.push(
      fault(
        `${name} goes to another address than this bridge, which is ${publicUrl}/tools/${name} (PUBLIC_URL).`,
      ),
    );
  if (!names.includes('authorization'))
    found.push(
      fault(`${name} sends no Authorization header: this bridge takes it only with TOOLS_SECRET in it.`),
    );
  if (!names.includes(bridgeTokenHeader.toLowerCase())) {
    found.push(
      fault(
        `${name} does not say which call it is for, so this bridge does not run it: add the header ${bridgeTokenHeader} with the variable ${bridgeTokenVariable}.`,
      ),
    );
  }
  return found;
}

function isTwilio(url: string): boolean {
  try {
    return new URL(url).hostname.endsWith('.twilio.com');
  } catch {
    // Not a URL: what it is instead is told by the check of the address.
    return false;
  }
}
