import { describe, expect, it } from 'vitest';
import { CallerAudio } from '../../../../src/agent/elevenlabs/caller-audio.ts';
import { agentLimits } from '../../../../src/agent/elevenlabs/limits.ts';
import { newMessageCounts } from '../../../../src/agent/elevenlabs/message-counts.ts';
import type { AudioFormat } from '../../../../src/core/audio.ts';
import { ManualClock } from '../../../support/manual-clock.ts';
import { FakeSocket, unmasked } from './fake-socket.ts';

function sink(format: AudioFormat, chunkMs: number) {
  const socket = new FakeSocket();
  const clock = new ManualClock();
  const counts = newMessageCounts();
  let stalls = 0;
  const limits = { ...agentLimits, callerBufferedBytes: 1000, callerBacklogMs: 60, stallMs: 500 };
  const stalled = () => void stalls++;
  const audio = new CallerAudio({ format, chunkMs, socket, clock, limits, counts, stalled });
  const sounds = () => socket.messages.map(each => Buffer.from(String(each['user_audio_chunk']), 'base64'));
  return { audio, socket, clock, counts, sounds, stalls: () => stalls };
}

const full = 1001;
/** One 20 ms frame of mu-law, every byte of it `n`. */
const frame = (n: number) => Buffer.alloc(160, n);

describe('caller sound', () => {
  it('goes out frame by frame when a message is as long as a frame', () => {
    const { audio, sounds } = sink('ulaw_8000', 20);
    audio.write(frame(1));
    audio.write(frame(2));
    expect(sounds()).toEqual([frame(1), frame(2)]);
  });

  it('is written as frames while nothing waits, and sent as messages in the same order while something does', () => {
    const { audio, socket, sounds } = sink('ulaw_8000', 20);
    for (const [n, idle] of [true, false, true].entries()) {
      socket.idle = idle;
      audio.write(frame(n));
    }
    expect(sounds()).toEqual([frame(0), frame(1), frame(2)]);
    expect(socket.written).toBe(2);
  });

  it('of one call is never written over what the socket of another has not sent yet', () => {
    const [slow, other] = [sink('ulaw_8000', 20), sink('ulaw_8000', 20)];
    slow.socket.idle = true;
    other.socket.idle = true;
    slow.socket.keeps = true;
    slow.audio.write(frame(1));
    slow.socket.idle = false;
    slow.audio.write(frame(2));
    for (const n of [3, 4]) other.audio.write(frame(n));
    const kept = slow.socket.kept.map(each => JSON.parse(unmasked(each).toString()).user_audio_chunk);
    expect(kept.map(text => Buffer.from(text, 'base64'))).toEqual([frame(1)]);
    expect(slow.sounds()).toEqual([frame(2)]);
    expect(other.sounds()).toEqual([frame(3), frame(4)]);
    slow.socket.idle = true;
    slow.audio.write(frame(5));
    other.audio.write(frame(6));
    const last = JSON.parse(unmasked(slow.socket.kept.at(-1)!).toString()).user_audio_chunk;
    expect(Buffer.from(last, 'base64')).toEqual(frame(5));
  });

  it('that lies in the middle of something else is taken from there, without a view of it', () => {
    for (const chunkMs of [20, 40]) {
      const { audio, socket, sounds } = sink('ulaw_8000', chunkMs);
      socket.idle = true;
      const around = Buffer.concat([frame(9), frame(1), frame(2), frame(9)]);
      around.subarray = () => {
        throw new Error('a view for each packet');
      };
      audio.write(around, 160, 320);
      audio.write(around, 320, 480);
      expect(Buffer.concat(sounds())).toEqual(Buffer.concat([frame(1), frame(2)]));
    }
  });

  it('is gathered when a message is longer, and whatever is left over waits', () => {
    const { audio, sounds } = sink('ulaw_8000', 50);
    for (let n = 0; n < 6; n++) audio.write(frame(n));
    expect(sounds().map(sound => sound.length)).toEqual([400, 400]);
    expect(Buffer.concat(sounds())).toEqual(Buffer.concat([0, 1, 2, 3, 4].map(frame)));
  });

  it.each<[AudioFormat, number, number]>([
    ['pcm_8000', 20, 320],
    ['pcm_16000', 20, 640],
    ['pcm_22050', 20, 882],
    ['pcm_22050', 25, 1102],
    ['pcm_24000', 20, 960],
    ['pcm_44100', 20, 1764],
    ['pcm_48000', 100, 9600],
    ['ulaw_8000', 20, 160],
  ])('of %s in %i ms is whole samples, %i bytes', (format, chunkMs, bytes) => {
    const { audio, sounds } = sink(format, chunkMs);
    audio.write(Buffer.alloc(10_000, 3));
    expect(sounds()[0]?.length).toBe(bytes);
  });

  it('is the same bytes however it is cut into writes', () => {
    const sound = Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 7) % 251));
    for (const cut of [1, 7, 159, 160, 161, 1000, 4000]) {
      const { audio, sounds } = sink('ulaw_8000', 20);
      for (let at = 0; at < sound.length; at += cut) audio.write(sound.subarray(at, at + cut));
      expect(Buffer.concat(sounds())).toEqual(sound);
    }
  });

  it('is not kept by reference: the writer may use its buffer again', () => {
    const { audio, sounds } = sink('ulaw_8000', 40);
    const mine = frame(1);
    audio.write(mine);
    mine.fill(2);
    audio.write(mine);
    expect(sounds()[0]).toEqual(Buffer.concat([frame(1), frame(2)]));
  });

  it('waits while the socket is full, losing the oldest, and goes out in order when there is room', () => {
    const { audio, socket, counts, sounds } = sink('ulaw_8000', 20);
    audio.write(frame(1));
    socket.bufferedBytes = full;
    for (const n of [2, 3, 4, 5, 6]) audio.write(frame(n));
    expect(sounds()).toEqual([frame(1)]);
    socket.bufferedBytes = 0;
    audio.write(frame(7));
    expect(sounds()).toEqual([1, 4, 5, 6, 7].map(frame));
    expect([counts.caller_audio, counts.caller_audio_dropped]).toEqual([5, 2]);
  });

  it('keeps its order when the socket fills up again while what waited goes out', () => {
    const { audio, socket, sounds } = sink('ulaw_8000', 20);
    socket.bufferedBytes = full;
    for (const n of [1, 2, 3]) audio.write(frame(n));
    socket.bufferedBytes = 0;
    socket.growsBy = 600;
    audio.write(frame(4));
    expect(sounds()).toEqual([1, 2].map(frame));
    socket.bufferedBytes = 0;
    audio.write(frame(5));
    audio.write(frame(6));
    expect(sounds()).toEqual([1, 2, 3, 4].map(frame));
  });

  it('reports a socket that stays full for longer than the limit', () => {
    const { audio, socket, clock, stalls } = sink('ulaw_8000', 20);
    socket.bufferedBytes = full;
    audio.write(frame(1));
    clock.advance(500);
    audio.write(frame(2));
    expect(stalls()).toBe(0);
    clock.advance(1);
    audio.write(frame(3));
    expect(stalls()).toBe(1);
  });

  it('does not count full moments together that had room between them', () => {
    const { audio, socket, clock, stalls } = sink('ulaw_8000', 20);
    for (let i = 0; i < 5; i++) {
      socket.bufferedBytes = full;
      audio.write(frame(1));
      clock.advance(400);
      socket.bufferedBytes = 0;
      audio.write(frame(2));
      clock.advance(400);
    }
    expect(stalls()).toBe(0);
  });

  it('prints itself', () => {
    expect(String(sink('pcm_16000', 20).audio)).toBe('agent(pcm_16000, 20 ms)');
  });
});
