import { describe, expect, it } from 'vitest';
import { type Menu, type MenuState, type MenuUrls, menuTwiml } from '../../../src/twilio/menu.ts';

const menu: Menu = {
  name: 'main',
  say: 'Press 1 for billing & more, 2 for the desk, 9 to end.',
  voice: 'Polly.Joanna',
  language: 'en-GB',
  timeoutSeconds: 7,
  tries: 2,
  goodbye: 'Goodbye.',
  choices: [
    { digits: '1', action: { kind: 'agent', agentId: 'agent_b', variables: { topic: 'billing' } } },
    {
      digits: '2',
      say: 'One moment.',
      action: { kind: 'dial', to: { kind: 'phone', number: '+14155550177' } },
    },
    { digits: '3', action: { kind: 'dial', to: { kind: 'sip', uri: 'sip:desk@pbx.example.com' } } },
    { digits: '9', action: { kind: 'hangup' } },
  ],
};
const urls: MenuUrls = {
  again: said => `https://bridge.example/twilio/menu/main?said=${said}`,
  agent: ({ digits }) => `https://bridge.example/twilio/voice?menu=main&choice=${digits}`,
  dialled: 'https://bridge.example/twilio/dialled',
};
const twiml = (state: Partial<MenuState>, more: Partial<Menu> = {}) =>
  menuTwiml({ ...menu, ...more }, { digits: '', said: 0, ...state }, urls).replace(/^<\?xml[^>]*\?>/, '');

describe('a menu', () => {
  it('is said while keys are waited for, and asks again when none came', () => {
    expect(twiml({})).toBe(
      '<Response><Gather input="dtmf" action="https://bridge.example/twilio/menu/main?said=1" method="POST" timeout="7" numDigits="1" finishOnKey="#">' +
        '<Say voice="Polly.Joanna" language="en-GB">Press 1 for billing &amp; more, 2 for the desk, 9 to end.</Say></Gather>' +
        '<Redirect method="POST">https://bridge.example/twilio/menu/main?said=1</Redirect></Response>',
    );
  });

  it('takes as many keys as its longest choice has, and # where that is one', () => {
    const more = { choices: [...menu.choices, { digits: '#12', action: { kind: 'hangup' } as const }] };
    expect(twiml({}, more)).toContain('numDigits="3" finishOnKey=""');
  });

  it('connects the agent by a URL that names the choice and holds no variable', () => {
    expect(twiml({ digits: '1' })).toBe(
      '<Response><Redirect method="POST">https://bridge.example/twilio/voice?menu=main&amp;choice=1</Redirect></Response>',
    );
  });

  it.each([
    ['2', '<Number>+14155550177</Number>'],
    ['3', '<Sip>sip:desk@pbx.example.com</Sip>'],
  ])('dials for %s, and asks what comes when that is over', (digits, noun) => {
    expect(twiml({ digits })).toContain(
      `<Dial action="https://bridge.example/twilio/dialled" method="POST">${noun}</Dial>`,
    );
  });

  it('says what is to be said before a choice is done', () => {
    expect(twiml({ digits: '2' })).toMatch(/^<Response><Say[^>]*>One moment\.<\/Say><Dial/);
  });

  it('ends the call where that is chosen', () => {
    expect(twiml({ digits: '9' })).toBe('<Response><Hangup/></Response>');
  });

  it('is said again for keys that are no choice, and ends after as many tries as it has', () => {
    expect(twiml({ digits: '7', said: 1 })).toContain('<Gather');
    expect(twiml({ digits: '7', said: 2 })).toMatch(/^<Response><Say[^>]*>Goodbye\.<\/Say><Hangup\/>/);
    expect(twiml({ digits: '9', said: 2 })).toBe('<Response><Hangup/></Response>');
  });
});
