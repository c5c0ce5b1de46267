import type { Clock } from '../../src/core/clock.ts';
import { Failure } from '../../src/core/errors.ts';
import { newCallKey } from '../../src/core/ids.ts';
import type { DocumentChange, DocumentKind, Documents, NewDocument } from '../../src/store/document.ts';
import { CallDraft, namesOf } from '../../src/store/draft.ts';
import { storeLimits } from '../../src/store/limits.ts';
import type { CallRecord } from '../../src/store/record.ts';
import type {
  ActionKeys,
  Executions,
  HeldSends,
  InboundMessages,
  OptOuts,
  Pending,
} from '../../src/store/sends.ts';
import type {
  Announce,
  CallArchive,
  CallFilter,
  CallJournal,
  Counters,
  Outbox,
  OutboxEntry,
  OutboxMessage,
  Store,
  SwitchChange,
  Switches,
  SwitchName,
} from '../../src/store/store.ts';
import { memorySends } from './memory-sends.ts';

interface Take {
  readonly id: string;
  readonly key: string;
  readonly at: number;
  readonly amount: number;
}

interface Queued {
  entry: OutboxEntry;
  state: 'waiting' | 'done' | 'dead';
  dueAt: number;
}

export interface FakeStoreOptions {
  readonly clock: Clock;
  readonly announce?: Announce;
}

/** A store that forgets everything with the process, for tests of those who use one. */
export class FakeStore implements Store {
  readonly #clock: Clock;
  readonly #announce: Announce;
  readonly #drafts = new Map<string, CallDraft>();
  readonly #takes: Take[] = [];
  readonly #switches = new Map<SwitchName, boolean>();
  readonly #changes: SwitchChange[] = [];
  readonly #documents = new Map<string, NewDocument & { readonly kind: DocumentKind }>();
  readonly #documentChanges: (DocumentChange & { readonly kind: DocumentKind })[] = [];
  readonly #queue: Queued[] = [];
  #wake: () => void = () => undefined;
  /** Set it, and everything that may reject does: the store is down. */
  down = false;

  readonly heldSends: HeldSends;
  readonly optOuts: OptOuts;
  readonly inboundMessages: InboundMessages;
  readonly executions: Executions;
  readonly actionKeys: ActionKeys;
  readonly pending: Pending;
  readonly close: () => Promise<void>;

  constructor({ clock, announce }: FakeStoreOptions) {
    this.#clock = clock;
    this.#announce = announce ?? (() => []);
    const sends = memorySends(clock, () => this.#up(() => undefined));
    this.heldSends = sends.heldSends;
    this.optOuts = sends.optOuts;
    this.inboundMessages = sends.inboundMessages;
    this.executions = sends.executions;
    this.actionKeys = sends.actionKeys;
    this.pending = sends.pending;
    this.close = sends.close;
  }

  readonly journal: CallJournal = {
    begin: call => void this.#drafts.set(call.key, new CallDraft(call, 'node-1', this.#clock.wall())),
    update: (call, more) => this.#running(call)?.update(more, this.#clock.wall()),
    tool: (call, run) => this.#running(call)?.tool(run),
    finish: (call, end) => {
      const draft = this.#running(call);
      if (draft === undefined) return;
      draft.finish(end, this.#clock.wall());
      this.#enqueue(call, this.#announce(draft.record, draft.secret));
    },
    current: call => this.#running(call),
  };

  readonly archive: CallArchive = {
    find: async id => this.#found(id)?.record,
    secret: async call => this.#up(() => this.#drafts.get(call)?.secret),
    list: async (filter, { size, cursor, oldestFirst }) =>
      this.#up(() => {
        const all = [...this.#drafts.values()].map(({ record }) => record).filter(fits(filter));
        all.sort((a, b) => a.stages.begun - b.stages.begun || (a.key < b.key ? -1 : 1));
        if (oldestFirst !== true) all.reverse();
        const from = cursor === undefined ? 0 : all.findIndex(({ key }) => key === cursor) + 1;
        if (cursor !== undefined && from === 0) throw new Failure('wrong-cursor', 'no such cursor');
        const most = Math.min(size, storeLimits.pageRows);
        const calls = all.slice(from, from + most);
        const last = calls.at(-1);
        return {
          calls,
          ...(last === undefined || from + most >= all.length ? {} : { next: last.key }),
        };
      }),
    delete: async id => {
      const draft = this.#found(id);
      if (draft === undefined) return 'not-found';
      if (draft.record.state === 'running') return 'running';
      this.#drafts.delete(draft.record.key);
      const kept = this.#queue.filter(({ entry }) => entry.call !== draft.record.key);
      this.#queue.splice(0, this.#queue.length, ...kept);
      return 'deleted';
    },
  };

  readonly counters: Counters = {
    take: async takes =>
      this.#up(() => {
        const now = this.#clock.wall();
        for (const { name, subject, limit, windowMs, amount } of takes) {
          const own = this.#takes.filter(
            ({ key, at }) => key === `${name} ${subject}` && at > now - windowMs,
          );
          if (amount !== undefined) {
            const wait = waitForSum(own, amount, limit);
            if (wait === undefined) continue;
            const retryAfterMs = Number.isFinite(wait) ? wait + windowMs - now : windowMs;
            return { taken: false, name, retryAfterMs };
          }
          const freed = own[own.length - limit];
          if (own.length >= limit) {
            return {
              taken: false,
              name,
              retryAfterMs: freed === undefined ? windowMs : freed.at + windowMs - now,
            };
          }
        }
        const receipt = newCallKey();
        for (const { name, subject, amount = 1 } of takes)
          this.#takes.push({ id: receipt, key: `${name} ${subject}`, at: now, amount });
        return { taken: true, receipt };
      }),
    giveBack: async receipt =>
      this.#up(() => {
        const kept = this.#takes.filter(({ id }) => id !== receipt);
        this.#takes.splice(0, this.#takes.length, ...kept);
      }),
    correct: async (receipt, names, amount) =>
      this.#up(() => {
        for (const [index, take] of this.#takes.entries()) {
          const name = take.key.split(' ')[0] ?? '';
          if (take.id === receipt && names.includes(name)) this.#takes[index] = { ...take, amount };
        }
      }),
    count: async (name, subject, windowMs) =>
      this.#up(() => {
        const from = this.#clock.wall() - windowMs;
        return this.#takes.filter(({ key, at }) => key === `${name} ${subject}` && at > from).length;
      }),
  };

  readonly switches: Switches = {
    read: async () => this.#up(() => Object.fromEntries(this.#switches)),
    set: async (name, value, { who, why }) =>
      this.#up(() => {
        if (value === undefined) this.#switches.delete(name);
        else this.#switches.set(name, value);
        this.#changes.unshift({ name, value, who, why, at: this.#clock.wall() });
      }),
    history: async size => this.#up(() => this.#changes.slice(0, size)),
  };

  readonly documents: Documents = {
    revision: async kind =>
      this.#up(() => this.#documentChanges.filter(change => change.kind === kind).length),
    list: async kind =>
      this.#up(() =>
        [...this.#documents.values()]
          .filter(document => document.kind === kind)
          .sort((a, b) => (a.id < b.id ? -1 : 1))
          .map(({ id, text }) => ({ id, text })),
      ),
    put: async (kind, document, change, revision) =>
      this.#up(() => {
        const changes = this.#documentChanges.filter(each => each.kind === kind).length;
        if (revision !== undefined && revision !== changes) return 'stale';
        const others = [...this.#documents.values()].filter(
          each => each.kind === kind && each.id !== document.id,
        );
        if (others.some(({ name }) => name === document.name)) return 'taken';
        this.#documents.set(`${kind} ${document.id}`, { kind, ...document });
        this.#documentChanges.unshift({ kind, id: document.id, ...change, at: this.#clock.wall() });
        return 'kept';
      }),
    remove: async (kind, id, change) =>
      this.#up(() => {
        if (!this.#documents.delete(`${kind} ${id}`)) return false;
        this.#documentChanges.unshift({ kind, id, ...change, at: this.#clock.wall() });
        return true;
      }),
    history: async (kind, size) =>
      this.#up(() => this.#documentChanges.filter(change => change.kind === kind).slice(0, size)),
  };

  readonly outbox: Outbox = {
    enqueue: async (call, messages) => this.#up(() => this.#enqueue(call, messages)),
    claim: async (size, leaseMs) => this.#up(() => this.#claim(size, leaseMs)),
    done: async entry => this.#up(() => void this.#settle(entry, 'done', 0)),
    failed: async (entry, _error, retryMs) =>
      this.#up(() => {
        const over = retryMs === undefined || entry.attempt >= storeLimits.attempts;
        this.#settle(entry, over ? 'dead' : 'waiting', this.#clock.wall() + (retryMs ?? 0));
        return over ? 'dead' : 'waiting';
      }),
    counts: async () =>
      this.#up(() => {
        const waiting = this.#queue.filter(({ state }) => state === 'waiting');
        const oldest = Math.min(...waiting.map(({ entry }) => entry.at));
        return {
          waiting: waiting.length,
          dead: this.#queue.filter(({ state }) => state === 'dead').length,
          oldestMs: waiting.length === 0 ? 0 : this.#clock.wall() - oldest,
        };
      }),
    onQueued: wake => {
      this.#wake = wake;
    },
  };

  readonly flush = async () => undefined;

  #up<T>(work: () => T): T {
    if (this.down) throw new Error('the store is down');
    return work();
  }

  #running(call: string): CallDraft | undefined {
    const draft = this.#drafts.get(call);
    return draft?.record.state === 'running' ? draft : undefined;
  }

  #found(id: string): CallDraft | undefined {
    return this.#up(() =>
      [...this.#drafts.values()].reverse().find(({ record }) => namesOf(record).includes(id)),
    );
  }

  #enqueue(call: CallRecord['key'], messages: readonly OutboxMessage[]): void {
    for (const message of messages) {
      const at = this.#clock.wall();
      const entry = { ...message, id: this.#queue.length + 1, call, at, attempt: 0, lease: '' };
      this.#queue.push({ entry, state: 'waiting', dueAt: at });
    }
    if (messages.length > 0) this.#wake();
  }

  #claim(size: number, leaseMs: number): OutboxEntry[] {
    const now = this.#clock.wall();
    const heads = new Map<string, Queued>();
    for (const queued of this.#queue) {
      const line = `${queued.entry.call} ${queued.entry.target}`;
      if (queued.state === 'waiting' && !heads.has(line)) heads.set(line, queued);
    }
    return [...heads.values()]
      .filter(({ dueAt }) => dueAt <= now)
      .slice(0, size)
      .map(queued => {
        queued.dueAt = now + leaseMs;
        const { entry } = queued;
        queued.entry = { ...entry, attempt: entry.attempt + 1, lease: newCallKey() };
        return queued.entry;
      });
  }

  #settle({ id, lease }: OutboxEntry, state: Queued['state'], dueAt: number): void {
    const queued = this.#queue.find(({ entry }) => entry.id === id && entry.lease === lease);
    if (queued === undefined || queued.state !== 'waiting') return;
    queued.state = state;
    queued.dueAt = dueAt;
  }
}

const fits =
  (filter: CallFilter) =>
  (record: CallRecord): boolean => {
    const { stages, end } = record;
    const rules: readonly boolean[] = [
      filter.agentId === undefined || record.agentId === filter.agentId,
      filter.begunBefore === undefined || stages.begun < filter.begunBefore,
      filter.begunAfter === undefined || stages.begun > filter.begunAfter,
      filter.secondsAtLeast === undefined || record.seconds >= filter.secondsAtLeast,
      filter.secondsAtMost === undefined || record.seconds <= filter.secondsAtMost,
      filter.direction === undefined || record.direction === filter.direction,
      filter.state === undefined || record.state === filter.state,
      filter.trunk === undefined || record.trunk === filter.trunk,
      filter.results === undefined || filter.results.includes(end?.result ?? ''),
      filter.reasons === undefined || filter.reasons.includes(end?.reason ?? ''),
      filter.tools === undefined || record.tools.some(({ tool }) => filter.tools?.includes(tool) === true),
      filter.successful === undefined || (end?.result === 'success') === filter.successful,
      filter.verified === undefined || (record.verified !== undefined) === filter.verified,
    ];
    return rules.every(Boolean);
  };

/** When the take was made that has to leave the window first; undefined: there is room. */
function waitForSum(own: readonly Take[], amount: number, limit: number): number | undefined {
  let excess = own.reduce((sum, take) => sum + take.amount, amount) - limit;
  if (excess <= 0) return undefined;
  for (const take of own) {
    excess -= take.amount;
    if (excess <= 0) return take.at;
  }
  return Number.POSITIVE_INFINITY;
}
