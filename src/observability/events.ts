import type { Clock } from '../core/clock.ts';
import type { Ending } from '../core/ending.ts';
import { sentence } from '../core/ending.ts';
import type { BridgeEvent, EventSink } from '../core/events.ts';
import type { LegStats } from '../core/leg-stats.ts';
import type { LogFields, Logger } from '../core/logger.ts';
import { toolName } from '../core/mask.ts';
import type { Recorded } from '../core/recorded.ts';
import { gatesLine, type ToolRunFacts } from '../core/tool-facts.ts';
import { LineBudget } from './line-budget.ts';
import type { Metrics } from './metrics.ts';

/**
 * How often events that a stranger can cause may be logged, and attempts to tell a server that is down: each event that waits for
 * it is tried twenty times. All of them are counted.
 */
export const refusalLines = { perSecond: 5, burst: 50 } as const;

/** Events that whoever finds us can bring about as often as they like. */
const refusalTypes: ReadonlySet<BridgeEvent['type']> = new Set([
  'invite-refused',
  'peer-refused',
  'api-key-refused',
]);

type Level = 'debug' | 'info' | 'warn' | 'error';

interface Line {
  readonly level: Level;
  readonly message: string;
  readonly fields: LogFields;
}

/** The one place where a business event is both counted and logged. */
export function createEventSink(log: Logger, metrics: Pick<Metrics, 'count'>, clock: Clock): EventSink {
  const refusals = new LineBudget(clock, refusalLines);
  const attempts = new LineBudget(clock, refusalLines);
  const budgetOf = (event: BridgeEvent): LineBudget | undefined => {
    if (refusalTypes.has(event.type)) return refusals;
    return event.type === 'webhook' && event.outcome === 'later' ? attempts : undefined;
  };
  return {
    emit(happened) {
      const event = happened.type === 'tool-run' ? { ...happened, tool: toolName(happened.tool) } : happened;
      metrics.count(event);
      const { level, message, fields } = lineOf(event);
      const budget = budgetOf(event);
      const unsaid = budget === undefined ? 0 : budget.take();
      if (unsaid === undefined) return;
      log[level](message, rounded(unsaid === 0 ? fields : { ...fields, unsaid }));
    },
  };
}

/** Fractions to a thousandth: a clock has more places than anybody reads. */
function rounded(fields: LogFields): LogFields {
  const short: Record<string, LogFields[string]> = {};
  for (const [name, value] of Object.entries(fields)) {
    short[name] = typeof value === 'number' ? Math.round(value * 1000) / 1000 : value;
  }
  return short;
}

const endFields = (end: Ending): LogFields => ({
  result: end.result,
  reason: end.reason,
  why: sentence(end),
});

const heldMessages = {
  approved: 'held send approved',
  refused: 'held send refused',
  waits: 'held send approved, and not let out',
} as const;
const webhookLevels = { delivered: 'debug', later: 'warn', dead: 'error' } as const;
/** What of a recording is silent because a code was pending, ms. */
const withheld = ({ gaps }: Recorded): number =>
  gaps.reduce((sum, { fromMs, toMs, cause }) => sum + (cause === 'code' ? toMs - fromMs : 0), 0);

/** How bad an ending is: ours are errors, the agent's and the carrier's warnings. */
function endLevel(end: Ending): Level {
  if (end.reason === 'internal-error' || end.reason === 'worker-lost') return 'error';
  return end.result === 'success' || end.result === 'caller' ? 'info' : 'warn';
}

/** The numbers of the leg that say how the call sounded. */
function statFields(stats: LegStats): LogFields {
  const { lateness, ...numbers } = stats;
  return lateness === undefined
    ? numbers
    : { ...numbers, latenessP99: lateness.p99, latenessMax: lateness.max };
}

function lineOf(event: BridgeEvent): Line {
  switch (event.type) {
    case 'invite-refused': {
      const { type: _, end, ...fields } = event;
      return {
        level: 'info',
        message: 'invite refused',
        fields: { ...fields, ...endFields(end) },
      };
    }
    case 'peer-refused':
      return { level: 'info', message: 'peer refused', fields: { cause: event.cause, source: event.source } };
    case 'api-key-refused':
      return {
        level: 'info',
        message: 'API key refused',
        fields: { cause: event.cause, source: event.source },
      };
    case 'call-arrived': {
      const { type: _, ...fields } = event;
      return { level: 'info', message: 'call arrived', fields };
    }
    case 'trunk-registered': {
      const { type: _, registered, ...fields } = event;
      const message = registered ? 'registered with a trunk' : 'not registered with a trunk';
      return { level: registered ? 'info' : 'warn', message, fields };
    }
    case 'call-placed': {
      const { type: _, ...fields } = event;
      return { level: 'info', message: 'call placed', fields };
    }
    case 'keys-ignored':
      return {
        level: 'warn',
        message: 'offered keys were not used',
        fields: { call: event.call, cause: event.cause },
      };
    case 'agent-ready': {
      const { call, conversationId, input, output, setupMs } = event;
      return {
        level: 'info',
        message: 'agent ready',
        fields: { call, conversationId, input, output, setupMs },
      };
    }
    case 'initiation': {
      const { call, outcome, cause, detail, ms } = event;
      const level = outcome === 'used' ? 'info' : 'warn';
      return { level, message: 'initiation webhook', fields: { call, outcome, cause, detail, ms } };
    }
    case 'webhook': {
      const { type: _, event: name, ...fields } = event;
      const level = webhookLevels[event.outcome];
      return { level, message: 'webhook', fields: { event: name, ...fields } };
    }
    case 'agent-retry':
      return {
        level: 'warn',
        message: 'agent tried again',
        fields: { call: event.call, ...endFields(event.end) },
      };
    case 'agent-lost':
      return {
        level: 'warn',
        message: 'agent lost',
        fields: { call: event.call, way: event.way, ...endFields(event.end) },
      };
    case 'agent-resumed':
      return { level: 'info', message: 'agent resumed', fields: { call: event.call, ms: event.ms } };
    case 'call-answered': {
      const { call, setupMs, leg } = event;
      return { level: 'info', message: 'call answered', fields: { call, setupMs, leg } };
    }
    case 'tool-run': {
      const { call, tool, status, isError, ms, facts } = event;
      return {
        level: isError ? 'warn' : 'info',
        message: 'tool run',
        fields: { call, tool, status, isError, ms, ...runFields(facts) },
      };
    }
    case 'action-run': {
      const { action, by, status, isError, ms, facts } = event;
      return {
        level: isError ? 'warn' : 'info',
        message: 'action run',
        fields: { action, by, status, isError, ms, ...runFields(facts) },
      };
    }
    case 'held-decided': {
      const { held, by, decision, status, gates } = event;
      return {
        level: 'info',
        message: heldMessages[decision],
        fields: { held, by, status, gates: gatesLine(gates) },
      };
    }
    case 'transfer': {
      const { call, way, ms, end } = event;
      return { level: endLevel(end), message: 'transfer', fields: { call, way, ms, ...endFields(end) } };
    }
    case 'call-not-placed': {
      const { trunk, end } = event;
      return { level: 'warn', message: 'call not placed', fields: { trunk, ...endFields(end) } };
    }
    case 'call-replaced': {
      const { type: _, ...fields } = event;
      return { level: 'info', message: 'another telephone took over the call', fields };
    }
    case 'call-ended': {
      const { call, answered, seconds, end, stats } = event;
      const fields = { call, answered, seconds, ...endFields(end), ...statFields(stats) };
      return { level: endLevel(end), message: 'call ended', fields };
    }
    case 'stream-started':
      return {
        level: 'info',
        message: 'media stream started',
        fields: { call: event.call, streamSid: event.streamSid },
      };
    case 'recording-begun':
      return {
        level: 'info',
        message: 'recording begun',
        fields: { call: event.call, encrypted: event.encrypted },
      };
    case 'recorded': {
      const { call, recorded } = event;
      const { end, seconds, bytes, lostMs, gaps } = recorded;
      const withheldMs = withheld(recorded);
      return {
        level: endLevel(end),
        message: 'recorded',
        fields: { call, seconds, bytes, gaps: gaps.length, withheldMs, lostMs, ...endFields(end) },
      };
    }
    case 'recording-found': {
      const { call, seconds, end } = event;
      return { level: 'warn', message: 'recording found', fields: { call, seconds, ...endFields(end) } };
    }
    case 'worker-lost':
      return { level: 'error', message: 'worker lost', fields: { worker: event.worker, legs: event.legs } };
  }
}

/** Who asked, what was decided and what Twilio calls the request. */
function runFields(facts: ToolRunFacts | undefined): LogFields {
  const { action, tier, gates, requestId } = facts ?? {};
  return {
    ...(action === undefined ? {} : { action }),
    ...(tier === undefined ? {} : { tier }),
    ...(gates === undefined || gates.length === 0 ? {} : { gates: gatesLine(gates) }),
    ...(requestId === undefined ? {} : { requestId }),
  };
}
