import { describe, expect, it } from 'vitest';
import { encodeUlaw } from '../../codecs/g711.ts';
import { type AudioFormat, audioFormats } from '../../src/core/audio.ts';
import type { SimScript } from '../../src/sim/agent/options.ts';
import { type Bridge, withBridge } from '../support/flow.ts';
import { seededRandom } from '../support/impairment.ts';
import { heardFor, heardLevel, hum, levelAtAgent } from '../support/sound.ts';

const codecs = ['PCMU', 'PCMA', 'G722'] as const;
const transports = ['tcp', 'tls'] as const;
const toneHz = 1000;
const level = -20;

interface Pair {
  readonly input: AudioFormat;
  readonly output: AudioFormat;
}

/** An echo whose next conversation has the formats that were set last. */
function echoIn(formats: Pair): { readonly script: SimScript; set(next: Pair): void } {
  let current = formats;
  return {
    script: {
      mode: 'echo',
      get inputFormat() {
        return current.input;
      },
      get outputFormat() {
        return current.output;
      },
    },
    set(next) {
      current = next;
    },
  };
}

/** A call that hums; what it heard of itself after a while, and what the agent heard. */
async function echoed(bridge: Bridge, at: number) {
  const codec = codecs[at % codecs.length] ?? 'PCMU';
  const call = await bridge.call({ codec }, transports[at % transports.length]);
  const conversation = await bridge.world.agent.conversation(at);
  hum(call, toneHz, level);
  const measure = async () => {
    expect((await call.answered).status).toBe(200);
    await heardFor(call, 2400);
    const { inputFormat, outputFormat } = conversation;
    const { lost } = call.media.reception;
    const row = {
      call: `${codec} ${inputFormat} ${outputFormat}`,
      heard: Math.abs(heardLevel(call, toneHz) - level) <= 3,
      byAgent: Math.abs(levelAtAgent(conversation, toneHz) - level) <= 3,
      lost,
      violations: conversation.violations,
    };
    await call.hangup();
    return row;
  };
  return measure;
}

describe('a tone that a caller sends comes back from the echo agent within 3 dB', () => {
  // Every input format meets every output format, and each of them every codec.
  audioFormats.forEach((input, row) => {
    it(`when the agent takes ${input} and speaks any of the seven formats, over each codec and transport`, async () => {
      const formats = echoIn({ input, output: 'pcm_16000' });
      await withBridge({ script: formats.script }, async bridge => {
        const measures = [];
        for (const [column, output] of audioFormats.entries()) {
          formats.set({ input, output: audioFormats[(column + row) % audioFormats.length] ?? output });
          measures.push(await echoed(bridge, column));
        }
        const rows = await Promise.all(measures.map(measure => measure()));
        expect(rows).toEqual(
          rows.map(({ call }) => ({
            call,
            heard: true,
            byAgent: true,
            lost: 0,
            violations: [],
          })),
        );
        expect(new Set(rows.map(({ call }) => call.split(' ')[2]))).toEqual(new Set(audioFormats));
      });
    });
  });

  it('at 5 kHz too when G.722 meets an agent at 16 kHz, which G.711 cannot carry', () =>
    withBridge({}, async bridge => {
      const wide = await bridge.answered({ codec: 'G722' });
      hum(wide, 5000, level);
      await heardFor(wide, 2000);
      expect(Math.abs(heardLevel(wide, 5000) - level)).toBeLessThanOrEqual(3);
      await wide.hangup();
      expect((await bridge.ended())['codec']).toBe('G722');
    }));
});

describe('sound that needs no change', () => {
  it('reaches an agent that takes mu-law byte by byte as the telephone sent it', () =>
    withBridge({ script: { mode: 'quiet', inputFormat: 'ulaw_8000' } }, async bridge => {
      const call = await bridge.answered({ codec: 'PCMU' });
      const random = seededRandom(7);
      call.media.voice = {
        generate(dst, at, count) {
          for (let i = 0; i < count; i += 1) dst[at + i] = Math.round((random() - 0.5) * 16_000);
        },
      };
      await heardFor(call, 2500);
      const conversation = await bridge.world.agent.conversation(0);
      const said = call.media.said.samples;
      const sent = Buffer.alloc(said.length);
      encodeUlaw(said, 0, said.length, sent, 0);
      const got = conversation.audio();
      const pieces = Array.from({ length: 8 }, (_, i) =>
        got.subarray(6000 + i * 1600, 6000 + (i + 1) * 1600),
      );
      const found = pieces.filter(piece => piece.length === 1600 && sent.includes(piece));
      // The jitter buffer may cut or repeat a pitch period here and there.
      expect(found.length).toBeGreaterThanOrEqual(5);
      await call.hangup();
    }));
});
