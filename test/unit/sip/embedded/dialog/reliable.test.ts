import { afterEach, describe, expect, it } from 'vitest';
import { ending } from '../../../../../src/core/ending.ts';
import type { SipResponse } from '../../../../../src/sip/embedded/message/message.ts';
import { invite, offer, type RequestSpec, request, toTagOf } from '../messages.ts';
import { answerSdp, settle, World } from '../world.ts';

let world: World;
afterEach(() => world.close());

const required = ['Require: 100rel', 'Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE'];

function called(spec: RequestSpec = {}): void {
  world = new World();
  world.wire.receive(invite({ headers: required, ...spec }));
  world.wire.take();
}

function prack(of: SipResponse, spec: RequestSpec & { rack?: string } = {}): string {
  const cseq = spec.cseq ?? 2;
  const rack = spec.rack ?? `${of.headers.get('RSeq')} 1 INVITE`;
  return request('PRACK', {
    toTag: toTagOf(of),
    branch: `z9hG4bKprack${cseq}`,
    ...spec,
    cseq,
    headers: [`RAck: ${rack}`],
  });
}

/** Rings, and gives the 180. */
function ringing(): SipResponse {
  world.call.ring();
  return world.wire.response();
}

describe('a caller that only supports reliable provisional responses', () => {
  it('gets ordinary ones', () => {
    called({ headers: ['Supported: 100rel'] });
    const response = ringing();
    expect([response.status, response.headers.has('RSeq'), response.headers.has('Require')]).toEqual([
      180,
      false,
      false,
    ]);
    world.clock.advance(10_000);
    expect(world.wire.take()).toEqual([]);
    expect(world.peer(prack(response, { rack: '1 1 INVITE' }))).toEqual([481]);
  });
});

describe('a caller that requires reliable provisional responses', () => {
  it('gets one with RSeq, repeated at 0.5, 1.5, 3.5, 7.5 and 15.5 s, and 504 after 32 s', async () => {
    called();
    const response = ringing();
    expect(response.headers.get('Require')).toBe('100rel');
    const number = Number(response.headers.get('RSeq'));
    expect(number).toBeGreaterThanOrEqual(1);
    expect(number).toBeLessThan(2 ** 31);
    const start = world.clock.now();
    const sent: [number | string, number][] = [];
    for (let i = 0; i < 340; i++) {
      world.clock.advance(100);
      for (const status of world.wire.statuses()) sent.push([status, world.clock.now() - start]);
    }
    expect(sent).toEqual([
      [180, 500],
      [180, 1_500],
      [180, 3_500],
      [180, 7_500],
      [180, 15_500],
      [180, 31_500],
      [504, 32_000],
    ]);
    expect(await world.call.ended).toEqual(ending('prack-timeout'));
  });

  it('stops the repetition with PRACK', async () => {
    called();
    expect(world.peer(prack(ringing()))).toEqual([200]);
    world.clock.advance(60_000);
    expect(world.wire.take()).toEqual([]);
    expect(await world.outcome()).toBe('still up');
  });

  it.each([
    ['another RSeq', '1 1 INVITE'],
    ['another CSeq', 'RSEQ 2 INVITE'],
    ['another method', 'RSEQ 1 UPDATE'],
    ['more than it should have', 'RSEQ 1 INVITE 1'],
    ['nothing', ' '],
  ])('gets 481 for a PRACK with %s in RAck, and is still waited for', (_title, shape) => {
    called();
    const response = ringing();
    const number = Number(response.headers.get('RSeq'));
    const rack = shape.replace('RSEQ', String(number)).replace(/^1 1/, `${number + 7} 1`);
    expect(world.peer(prack(response, { rack }))).toEqual([481]);
    world.clock.advance(500);
    expect(world.wire.statuses()).toEqual([180]);
  });

  it('gets 481 for a second PRACK of the same response', () => {
    called();
    const response = ringing();
    expect(world.peer(prack(response))).toEqual([200]);
    expect(world.peer(prack(response, { cseq: 3 }))).toEqual([481]);
  });

  it('gets one at a time, numbered in order', () => {
    called();
    const first = ringing();
    world.call.progress();
    expect(world.wire.take()).toEqual([]);
    world.wire.receive(prack(first));
    const [ok, second] = world.wire.take();
    if (ok?.kind !== 'response' || second?.kind !== 'response') throw new Error('not two responses');
    expect([ok.status, second.status]).toEqual([200, 183]);
    expect(Number(second.headers.get('RSeq'))).toBe(Number(first.headers.get('RSeq')) + 1);
  });

  it('gets the answer without waiting when no SDP is unacknowledged, and its late PRACK is served', async () => {
    called();
    const first = ringing();
    const answered = world.call.answer(answerSdp);
    expect(world.wire.statuses()).toEqual([200]);
    expect(world.peer(prack(first))).toEqual([200]);
    world.wire.receive(request('ACK', { toTag: toTagOf(first), branch: 'z9hG4bKa' }));
    expect((await answered).ok).toBe(true);
    world.clock.advance(60_000);
    expect(world.wire.take()).toEqual([]);
  });

  it('gets the answer only behind the PRACK of early media', async () => {
    called();
    world.call.progress(answerSdp);
    const early = world.wire.response();
    expect([early.status, early.body.toString()]).toEqual([183, answerSdp]);
    const answered = world.call.answer(answerSdp);
    world.call.ring();
    expect(world.wire.take()).toEqual([]);
    expect(world.peer(prack(early))).toEqual([200, 200]);
    world.wire.receive(request('ACK', { toTag: toTagOf(early), branch: 'z9hG4bKa' }));
    expect((await answered).ok).toBe(true);
  });

  it('can cancel while the answer waits for its PRACK', async () => {
    called();
    world.call.progress(answerSdp);
    world.wire.take();
    const answered = world.call.answer(answerSdp);
    expect(world.peer(request('CANCEL'))).toEqual([200, 487]);
    const late = await answered;
    expect(late.ok === false && late.failure.code).toBe('cancelled');
  });

  it('that offers nothing is not told of ringing, and answers our early offer in its PRACK', async () => {
    called({ body: '' });
    world.call.ring();
    expect(world.wire.take()).toEqual([]);
    world.call.progress(answerSdp);
    const early = world.wire.response();
    expect(early.body.toString()).toBe(answerSdp);
    const answered = world.call.answer(answerSdp);
    world.wire.receive(prack(early, { body: offer }));
    const [, final] = world.wire.take();
    expect(final?.body.length).toBe(0);
    world.wire.receive(request('ACK', { toTag: toTagOf(early), branch: 'z9hG4bKa' }));
    expect(await answered).toEqual({ ok: true, value: { ackSdp: offer } });
  });

  it('may change the session by UPDATE or PRACK as soon as early media is settled, and not before', async () => {
    called();
    const offers: (string | undefined)[] = [];
    world.call.onReoffer = heard => {
      offers.push(heard);
      return Promise.resolve({ sdp: answerSdp });
    };
    world.call.progress(answerSdp);
    const early = world.wire.response();
    const toTag = toTagOf(early);
    const update = (cseq: number) =>
      request('UPDATE', { toTag, cseq, branch: `z9hG4bKu${cseq}`, body: offer });
    expect(world.peer(update(2))).toEqual([500]);
    world.wire.receive(prack(early, { cseq: 3, body: offer }));
    await settle();
    const acknowledged = world.wire.response();
    expect([acknowledged.status, acknowledged.body.toString()]).toEqual([200, answerSdp]);
    world.wire.receive(update(4));
    await settle();
    expect(world.wire.statuses()).toEqual([200]);
    expect(world.peer(invite({ toTag, cseq: 5, branch: 'z9hG4bKi5' }))).toEqual([500]);
    expect(offers).toEqual([offer, offer]);
  });
});
