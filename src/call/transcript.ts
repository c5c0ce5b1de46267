import type { TurnNews } from '../agent/agent.ts';
import type { Clock } from '../core/clock.ts';
import { toolName } from '../core/mask.ts';
import { fewestDigits } from '../core/number-words.ts';
import { spokenDigits } from '../core/spoken-digits.ts';
import { codeLifeMs } from '../core/verified.ts';

export const transcriptLimits = {
  /** Turns that are kept of one call; above them the newest are only counted. */
  turns: 2_000,
  /** Characters that are kept of one call. */
  characters: 1_000_000,
  /** How long after a code was used up what looks like one is still withheld, ms. */
  afterCodeMs: 30_000,
  /** How long before somebody here knew of a code it may have been said, ms: a code lives no longer. */
  beforeCodeMs: codeLifeMs,
} as const;

/** One turn of a call. */
export interface Turn {
  readonly role: 'user' | 'agent';
  /** What was said; absent where it is withheld, because a one-time code may be in it. */
  readonly message?: string;
  /** What the agent meant to say, where it was interrupted and `message` is what was heard of it. */
  readonly original?: string;
  /** When it was said, ms since the call began. */
  readonly atMs: number;
  readonly medium: 'audio' | 'dtmf';
  /** Index among the conversations of the call: an agent that was lost is followed by another one. */
  readonly conversation: number;
  /** Event id in that conversation; -1 when it had none. */
  readonly eventId: number;
  /** Sound of the turn that the caller heard, and that nobody will hear, ms; absent while that is not known. */
  readonly heardMs?: number;
  readonly unheardMs?: number;
}

/** A tool that was run, without what it was asked and what it answered. */
export interface ToolTurn {
  readonly tool: string;
  /** One word, as in the log. */
  readonly status: string;
  readonly isError: boolean;
  readonly atMs: number;
  readonly ms: number;
  readonly conversation: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/**
 * What was said in a call, in bounds. While a code is pending the turns of the caller are withheld whole, and never kept
 * anywhere; so are turns of the agent and later ones of the caller that look as if they said the code again, and what was said
 * before it was known that there is a code.
 */
export class Transcript {
  readonly #clock: Clock;
  readonly #begunMs: number;
  readonly #turns: Mutable<Turn>[] = [];
  readonly #tools: ToolTurn[] = [];
  #characters = 0;
  #conversation = -1;
  #withheld = false;
  /** A turn in which a code may have been said was withheld. */
  #codeSaid = false;
  #withheldUntilMs = Number.NEGATIVE_INFINITY;
  /** Digits in turns that were kept since a code may have been said: it may be said again in pieces. */
  #piecesKept = 0;
  /** Turns that there was no room for. */
  dropped = 0;
  /** Counts whatever changes in the turns. */
  changes = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#begunMs = clock.now();
  }

  get turns(): readonly Turn[] {
    return this.#turns;
  }

  get tools(): readonly ToolTurn[] {
    return this.#tools;
  }

  /** Another conversation begins; event ids count from anew. */
  begin(): void {
    this.#conversation++;
  }

  /** A code is pending from now on, or is not any more. */
  withhold(on: boolean): void {
    if (this.#withheld && !on) this.#withheldUntilMs = this.#clock.now() + transcriptLimits.afterCodeMs;
    this.#withheld = on;
  }

  /** A code that nobody here knew of has been said already: turns that may hold it, whole or in pieces, are withheld too. */
  retract(): void {
    const since = this.#now - transcriptLimits.beforeCodeMs;
    for (const role of ['user', 'agent'] as const) {
      const suspects = this.#turns
        .filter(turn => turn.role === role && turn.atMs >= since)
        .map(turn => ({ turn, digits: spokenDigits(`${turn.message ?? ''} ${turn.original ?? ''}`) }))
        .filter(({ digits }) => digits > 0);
      if (suspects.reduce((sum, { digits }) => sum + digits, 0) < fewestDigits) continue;
      for (const { turn } of suspects) this.#forget(turn);
    }
  }

  take(news: TurnNews): void {
    this.changes++;
    switch (news.kind) {
      case 'said':
        return this.#add(news.role, news.text, 'audio', news.eventId);
      case 'keyed':
        return this.#add('user', news.text, 'dtmf', -1);
      case 'corrected':
        return this.#correct(news.text, news.eventId);
      case 'heard':
        return this.#heard(news.eventId, news.heardMs, news.unheardMs);
    }
  }

  ran(tool: Omit<ToolTurn, 'atMs' | 'conversation'>): void {
    if (this.#tools.length >= transcriptLimits.turns) return;
    this.#tools.push({
      ...tool,
      tool: toolName(tool.tool),
      atMs: this.#now - tool.ms,
      conversation: this.#conversation,
    });
  }

  get #now(): number {
    return this.#clock.now() - this.#begunMs;
  }

  #add(role: 'user' | 'agent', text: string, medium: 'audio' | 'dtmf', eventId: number): void {
    const withheld = this.#isWithheld(role, text);
    if (withheld && role === 'user' && !this.#codeSaid) {
      this.#codeSaid = true;
      this.#piecesKept = 0;
    }
    const room = transcriptLimits.characters - this.#characters;
    if (this.#turns.length >= transcriptLimits.turns || (!withheld && text.length > room)) {
      this.dropped++;
      return;
    }
    const conversation = Math.max(this.#conversation, 0);
    const turn = { role, atMs: this.#now, medium, conversation, eventId };
    if (!withheld) this.#characters += text.length;
    this.#turns.push(withheld ? turn : { ...turn, message: text });
  }

  #forget(turn: Mutable<Turn>): void {
    this.#characters -= (turn.message?.length ?? 0) + (turn.original?.length ?? 0);
    delete turn.message;
    delete turn.original;
    this.#codeSaid = true;
    this.changes++;
  }

  #isWithheld(role: 'user' | 'agent', text: string): boolean {
    if (this.#withheld && role === 'user') return true;
    if (!this.#withheld && !(this.#codeSaid && this.#clock.now() < this.#withheldUntilMs)) return false;
    if (!this.#codeSaid) return mayHoldCode(text);
    const digits = spokenDigits(text);
    if (digits > 0 && this.#piecesKept + digits >= fewestDigits) return true;
    this.#piecesKept += digits;
    return false;
  }

  /** The agent's turn of that event, else its last one: some corrections carry the id of the interruption. */
  #correct(text: string, eventId: number): void {
    const turn = this.#last(each => each.eventId === eventId) ?? this.#last(() => true);
    if (turn?.message === undefined || turn.original !== undefined) return;
    if (text.length > transcriptLimits.characters - this.#characters) return;
    this.#characters += text.length;
    turn.original = turn.message;
    turn.message = text;
  }

  #heard(eventId: number, heardMs: number, unheardMs: number): void {
    const turn = this.#last(each => each.eventId === eventId);
    if (turn === undefined) return;
    turn.heardMs = heardMs;
    turn.unheardMs = unheardMs;
  }

  /** The newest turn of the agent in this conversation that fits. */
  #last(fits: (turn: Turn) => boolean): Mutable<Turn> | undefined {
    for (let at = this.#turns.length - 1; at >= 0; at--) {
      const turn = this.#turns[at]!;
      if (turn.conversation !== Math.max(this.#conversation, 0)) return undefined;
      if (turn.role === 'agent' && fits(turn)) return turn;
    }
    return undefined;
  }
}

/** Whether a text has digits enough for a code, written or as words. A rule for what is withheld, so rather too often. */
export const mayHoldCode = (text: string): boolean => spokenDigits(text) >= fewestDigits;
