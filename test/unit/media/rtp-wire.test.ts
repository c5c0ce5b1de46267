import { describe, expect, it } from 'vitest';
import { writeHeader } from '../../../src/media/rtp/packet.ts';
import { MediaWorld, plan, speech } from './media-world.ts';

const voice = speech(20);
const atHome = { address: '203.0.113.9', port: 33_000 };
const stranger = { address: '198.51.100.66', port: 5000 };
/** A peer behind NAT: SDP has an address that nothing comes from. */
const behindNat = {
  ...plan,
  target: { address: '192.168.1.5', rtpPort: 4000, rtcpPort: 4001 },
  signallingAddress: atHome.address,
};

type Where = typeof atHome;

/** Somebody who sends a packet each time it is asked to. */
function speaker(world: MediaWorld, ssrc: number): (from: Where) => void {
  let sequence = 0;
  return from => {
    const packet = Buffer.alloc(12 + voice.length);
    writeHeader(packet, 0, false, sequence, sequence * 160, ssrc);
    voice.copy(packet, 12);
    sequence++;
    world.rtp.emit('message', packet, from);
  };
}

describe('a peer behind NAT', () => {
  it('is spoken to although strangers spray the port before it and all the time', () => {
    const world = new MediaWorld().answered(behindNat);
    const spray = speaker(world, 99);
    const speak = speaker(world, 1);
    for (let i = 0; i < 20; i++) {
      spray(stranger);
      world.clock.advance(5);
    }
    for (let i = 0; i < 500; i++) {
      for (let burst = 0; burst < 5; burst++) spray(stranger);
      speak(atHome);
      world.clock.advance(20);
    }
    expect(new Set(world.run(1000).map(each => `${each.address}:${each.port}`))).toEqual(
      new Set(['203.0.113.9:33000']),
    );
    expect(world.session.stats().packetsReceived).toBeGreaterThanOrEqual(500);
  });

  it('is found again after a hold in which its NAT gave it another port, without a word of that in SDP', () => {
    const world = new MediaWorld().answered(behindNat);
    const speak = speaker(world, 1);
    const spray = speaker(world, 99);
    const talk = (ms: number, from: Where) => {
      for (let at = 0; at < ms; at += 20) {
        speak(from);
        for (let burst = 0; burst < 5; burst++) spray(stranger);
        world.clock.advance(20);
      }
    };
    talk(1000, atHome);
    world.session.apply({ ...behindNat, direction: 'inactive' });
    world.run(60_000);
    world.session.apply(behindNat);
    const moved = { ...atHome, port: 33_077 };
    talk(1000, moved);
    expect(world.run(100).map(each => each.port)).toEqual(Array(5).fill(33_077));
    world.run(60_000);
    world.session.reapply();
    talk(1000, atHome);
    expect(world.run(100).map(each => each.port)).toEqual(Array(5).fill(33_000));
  });
});
