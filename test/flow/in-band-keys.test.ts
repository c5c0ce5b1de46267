import { describe, expect, it } from 'vitest';
import { withBridge } from '../support/flow.ts';
import { keyTones } from '../support/sound.ts';

/** What is set for all, for the trunk and for the number, and whether tones then count as keys. */
const settings = [
  ['the trunk on', { trunk: 'on' }, true],
  ['nothing', {}, false],
  ['all on and the trunk off', { all: 'on', trunk: 'off' }, false],
  ['the trunk off and the number on', { trunk: 'off', number: 'on' }, true],
] as const;

describe('keys as tones in the sound of a gateway that offers telephone-events all the same', () => {
  it.each(settings)('with %s', (_, set, heard) => {
    const { all, trunk, number }: { all?: string; trunk?: string; number?: string } = set;
    const option = (value: string | undefined) => (value === undefined ? '' : `, dtmf_in_band: "${value}"`);
    const yaml = [
      ...(all === undefined ? [] : [`media: { dtmf_in_band: "${all}" }`]),
      'trunks:',
      `  - { name: gateway, inbound_trunk_config: { allowed_addresses: [127.0.0.1] }${option(trunk)} }`,
      'numbers:',
      `  - { phone_number: "*", agent_id: agent_under_test${option(number)} }`,
    ];
    return withBridge({ script: { mode: 'quiet' }, yaml: yaml.join('\n') }, async bridge => {
      const call = await bridge.answered();
      const conversation = await bridge.world.agent.conversation(0);
      await keyTones(call, '4711');
      // A key that certainly counts tells when everything before it would have come.
      if (!heard) call.media.key('9#');
      await conversation.until(({ userMessages }) => userMessages.length > 0);
      expect(conversation.userMessages).toEqual([heard ? '4711' : '9']);
      await call.hangup();
    });
  });
});
