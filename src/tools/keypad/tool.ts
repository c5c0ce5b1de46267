import { z } from 'zod';
import type { Tool } from '../tool.ts';

export const keypadToolLimits = {
  /** Keys and pauses of one run: at 0.2 s a key they fit into the time that a tool has. */
  keys: 32,
  /** Time that one run may take, pauses included, ms. */
  playMs: 9_000,
} as const;

const keyMs = 200;
const pauses: Readonly<Record<string, number>> = { w: 500, W: 1_000 };

interface KeypadInput {
  readonly dtmf_tones: string;
  readonly use_out_of_band_dtmf: boolean;
}

/** A list without the blanks and dashes that people put between digits. */
const tones = z.string().transform((text, context) => {
  const keys = text.replace(/[\s,-]/g, '');
  const ms = [...keys].reduce((sum, key) => sum + (pauses[key] ?? keyMs), 0);
  if (!/^[0-9*#wW]+$/.test(keys)) {
    context.addIssue({ code: 'custom', message: 'must be of 0-9, *, #, w (0.5 s) and W (1 s)' });
  } else if (keys.length > keypadToolLimits.keys || ms > keypadToolLimits.playMs) {
    context.addIssue({ code: 'custom', message: 'is too long: press the rest in a second run' });
  } else return keys;
  return z.NEVER;
});

/** `play_keypad_touch_tone`, by the name and parameters of ElevenLabs' own tool, which works on their telephony alone. */
export function createKeypadTool(): Tool {
  const tool: Tool<KeypadInput> = {
    name: 'play_keypad_touch_tone',
    description:
      'Presses keys of the telephone: 0-9, * and #, with w and W for pauses of half a second and a second.',
    input: z.object({ dtmf_tones: tones, use_out_of_band_dtmf: z.boolean().default(true) }),
    async run({ dtmf_tones, use_out_of_band_dtmf }, { control }) {
      const pressed = await control.digits(dtmf_tones, use_out_of_band_dtmf ? 'events' : 'tones');
      if (pressed.ok) return { status: 'played', message: 'The keys were pressed.' };
      const message =
        pressed.failure.code === 'busy'
          ? 'Too many keys are being pressed already. Wait a moment, then try once more.'
          : 'The call is over.';
      return { status: pressed.failure.code, message };
    },
  };
  return tool as Tool;
}
