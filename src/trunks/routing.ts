import { type NetworkSet, networkSet } from './match.ts';

/** One trunk: who may call through it, and whether its word on identity counts. */
export interface Trunk {
  readonly name: string;
  readonly trustIdentity: boolean;
  readonly allowed: NetworkSet;
}

/** Which trunk a source belongs to, and which agent a called number reaches. */
export interface Routing {
  /** The trunk of a source address; undefined refuses the source. */
  trunk(address: string): Trunk | undefined;
  /** ElevenLabs id of the agent for a number called over a trunk; undefined when no agent has that number. */
  agent(trunk: Trunk, calledNumber: string): string | undefined;
}

/** Name of the trunk that exists while no other is configured. */
export const defaultTrunk = 'default';

/**
 * Routing with the implicit trunk alone: everyone in `allow` calls over it, is trusted on identity because an
 * address matched, and reaches the one agent whatever the number.
 */
export function implicitRouting(options: {
  readonly allow: readonly string[];
  readonly agentId: string;
}): Routing {
  const trunk: Trunk = { name: defaultTrunk, trustIdentity: true, allowed: networkSet(options.allow) };
  return {
    trunk: address => (trunk.allowed.has(address) ? trunk : undefined),
    agent: () => options.agentId,
  };
}
