import { describe, expect, it } from 'vitest';
import { MediaMeters } from '../../../../src/media/meters.ts';
import { Line } from '../../../../src/media/outbound/line.ts';
import { Mix } from '../../../../src/media/outbound/mix.ts';

const bytes = 160;

function quietMix() {
  const mix = new Mix({ meters: new MediaMeters(), fades: false });
  const encoder = mix.tune('PCMU');
  const payload = new Uint8Array(bytes);
  const fill = () => {
    if (mix.keypad.busy) mix.keypad.step(20);
    mix.note(mix.fill(payload, 0, bytes, encoder), 0);
    return mix.source;
  };
  mix.begin('ulaw_8000');
  mix.open();
  return { mix, fill };
}

describe('what the peer hears', () => {
  it('is still once a payload was silence, and not before', () => {
    const { mix, fill } = quietMix();
    expect(mix.still).toBe(false);
    expect(fill()).toBe('silence');
    expect(mix.still).toBe(true);
  });

  it.each<[string, (mix: Mix) => void, string]>([
    ['the agent speaks', mix => mix.push(1, Buffer.alloc(bytes, 1), 0), 'agent'],
    ['a sound of ours is played', mix => mix.prompt('beep', 'now'), 'own'],
    ['a sound begins in the background', mix => mix.background('ringback'), 'own'],
    ['a key is pressed', mix => mix.press('5', 'tones'), 'own'],
  ])('is still no more when %s', (_what, come, source) => {
    const { mix, fill } = quietMix();
    fill();
    come(mix);
    expect(mix.still).toBe(false);
    expect(fill()).toBe(source);
    expect(mix.still).toBe(false);
  });

  it('is not still with another leg on the line, whose sound nobody tells of', () => {
    const { mix, fill } = quietMix();
    const line = new Line('ulaw_8000', 20);
    mix.listen(line, false);
    expect(fill()).toBe('silence');
    expect(mix.still).toBe(false);
    for (let i = 0; i < 3; i++) line.write(new Uint8Array(bytes).fill(1));
    expect(fill()).toBe('line');
    mix.listen(undefined, false);
    expect(fill()).toBe('silence');
    expect(mix.still).toBe(true);
  });

  it('is not still before it is let out what waits', () => {
    const mix = new Mix({ meters: new MediaMeters(), fades: false });
    const encoder = mix.tune('PCMU');
    mix.begin('ulaw_8000');
    mix.push(1, Buffer.alloc(bytes, 1), 0);
    mix.fill(new Uint8Array(bytes), 0, bytes, encoder);
    expect(mix.source).toBe('silence');
    mix.open();
    expect(mix.still).toBe(false);
    mix.fill(new Uint8Array(bytes), 0, bytes, encoder);
    expect(mix.source).toBe('agent');
  });
});
