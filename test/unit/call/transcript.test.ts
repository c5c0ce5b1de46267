import { describe, expect, it } from 'vitest';
import { mayHoldCode, Transcript, transcriptLimits } from '../../../src/call/transcript.ts';
import { ManualClock } from '../../support/manual-clock.ts';

function begun() {
  const clock = new ManualClock();
  const transcript = new Transcript(clock);
  transcript.begin();
  const said = (role: 'user' | 'agent', text: string, eventId = 1) =>
    transcript.take({ kind: 'said', role, text, eventId });
  const messages = () => transcript.turns.map(({ message }) => message);
  return { clock, transcript, said, messages };
}

describe('the transcript of a call', () => {
  it('keeps who said what, and when', () => {
    const { clock, transcript, said } = begun();
    said('agent', 'Hello', 1);
    clock.advance(1500);
    said('user', 'I have a question', 2);
    transcript.take({ kind: 'keyed', text: '42' });
    expect(transcript.turns).toEqual([
      { role: 'agent', message: 'Hello', atMs: 0, medium: 'audio', conversation: 0, eventId: 1 },
      {
        role: 'user',
        message: 'I have a question',
        atMs: 1500,
        medium: 'audio',
        conversation: 0,
        eventId: 2,
      },
      { role: 'user', message: '42', atMs: 1500, medium: 'dtmf', conversation: 0, eventId: -1 },
    ]);
  });

  it('knows what the agent meant to say, and how much of it was heard', () => {
    const { transcript, said } = begun();
    said('agent', 'We are open from nine to five', 3);
    transcript.take({ kind: 'heard', eventId: 3, heardMs: 900, unheardMs: 1100 });
    transcript.take({ kind: 'corrected', text: 'We are open', eventId: 3 });
    expect(transcript.turns[0]).toMatchObject({
      message: 'We are open',
      original: 'We are open from nine to five',
      heardMs: 900,
      unheardMs: 1100,
    });
  });

  it('takes a correction with an id of its own for the last turn of the agent, and never for another conversation', () => {
    const { transcript, said, messages } = begun();
    said('agent', 'One moment please', 3);
    said('user', 'stop', 4);
    transcript.take({ kind: 'corrected', text: 'One', eventId: 5 });
    expect(messages()).toEqual(['One', 'stop']);
    transcript.begin();
    transcript.take({ kind: 'corrected', text: '', eventId: 3 });
    transcript.take({ kind: 'heard', eventId: 3, heardMs: 1, unheardMs: 1 });
    expect(messages()).toEqual(['One', 'stop']);
    expect(transcript.turns[0]).not.toHaveProperty('heardMs');
  });

  it('withholds the turns of the caller whole while a code is pending', () => {
    const { transcript, said, messages } = begun();
    said('user', 'my number is fine');
    transcript.withhold(true);
    said('user', 'it is one two three four');
    said('user', 'wait');
    transcript.take({ kind: 'keyed', text: '1234' });
    said('agent', 'Thank you');
    transcript.withhold(false);
    said('user', 'great');
    expect(messages()).toEqual(['my number is fine', undefined, undefined, undefined, 'Thank you', 'great']);
  });

  it('withholds a turn of the agent that says a code again, and one of the caller soon after', () => {
    const { clock, transcript, said, messages } = begun();
    said('agent', 'Call 1 2 3');
    transcript.withhold(true);
    said('user', 'one two three four');
    said('agent', 'I heard 1 2 3 4');
    transcript.withhold(false);
    said('agent', 'So one, two, three, four was right');
    said('user', 'yes, 1234');
    clock.advance(transcriptLimits.afterCodeMs);
    said('user', 'my order is 5678');
    expect(messages()).toEqual([
      'Call 1 2 3',
      undefined,
      undefined,
      undefined,
      undefined,
      'my order is 5678',
    ]);
  });

  it('withholds the rest of a code that the agent says again in pieces', () => {
    const { clock, transcript, said, messages } = begun();
    transcript.withhold(true);
    said('agent', 'It has 6 digits');
    said('user', 'four five six seven eight nine');
    said('agent', 'Four, five');
    said('agent', 'then sixty-seven');
    said('agent', 'and eight');
    said('agent', 'thank you');
    transcript.withhold(false);
    said('agent', 'nine');
    clock.advance(transcriptLimits.afterCodeMs);
    said('agent', 'Room nine, floor 12');
    expect(messages()).toEqual([
      'It has 6 digits',
      undefined,
      'Four, five',
      undefined,
      undefined,
      'thank you',
      undefined,
      'Room nine, floor 12',
    ]);
  });

  it('takes back what may be a code that was said before anybody here knew of one', () => {
    const { clock, transcript, said, messages } = begun();
    said('user', 'order 4711');
    clock.advance(transcriptLimits.beforeCodeMs + 1);
    said('agent', 'You wrote at 9');
    said('user', 'My code is four five six');
    said('user', 'and then seven');
    said('agent', 'So 4 5 6 7');
    transcript.take({ kind: 'corrected', text: 'So 4 5', eventId: 1 });
    said('user', 'right');
    const before = transcript.changes;
    transcript.retract();
    expect(messages()).toEqual(['order 4711', undefined, undefined, undefined, undefined, 'right']);
    expect(JSON.stringify(transcript.turns)).not.toMatch(/original|4 5/);
    expect(transcript.changes).toBeGreaterThan(before);
    said('agent', 'Welcome, room 12');
    transcript.retract();
    expect(messages().at(-1)).toBe('Welcome, room 12');
  });

  it('counts what there is no room for and keeps the rest', () => {
    const { transcript, said } = begun();
    for (let i = 0; i < transcriptLimits.turns + 3; i++) said('user', 'hm');
    expect(transcript.turns.length).toBe(transcriptLimits.turns);
    expect(transcript.dropped).toBe(3);
    const long = begun();
    long.said('user', 'x'.repeat(transcriptLimits.characters));
    long.said('user', 'y');
    expect(long.messages()).toHaveLength(1);
  });

  it('keeps which tools were run, and no name that could hold a number', () => {
    const { clock, transcript } = begun();
    clock.advance(5000);
    transcript.ran({ tool: 'send_SMS_verification', status: 'pending', isError: false, ms: 800 });
    transcript.ran({ tool: 'check_123456', status: 'unknown_tool', isError: true, ms: 0 });
    expect(transcript.tools).toEqual([
      {
        tool: 'send_SMS_verification',
        status: 'pending',
        isError: false,
        ms: 800,
        atMs: 4200,
        conversation: 0,
      },
      { tool: 'other', status: 'unknown_tool', isError: true, ms: 0, atMs: 5000, conversation: 0 },
    ]);
  });
});

describe('what may hold a code', () => {
  it.each(['123', 'my code is 4-8-1-5', 'uno dos tres', 'vier, fünf; sechs', 'four 5 six', '٣٤٥'])(
    'is a text like %s',
    text => expect(mayHoldCode(text)).toBe(true),
  );

  it.each(['', 'I have 2 questions', 'one moment, number 5'])('is not a text like %s', text =>
    expect(mayHoldCode(text)).toBe(false),
  );
});
