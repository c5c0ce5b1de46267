import { fail, ok } from '../core/errors.ts';
import { type CallerTier, callerTiers } from '../core/tool-facts.ts';
import type { AccessRule, NeededTier } from '../tools/sending/access.ts';
import { choice, list, text } from './readers.ts';
import { Section } from './section.ts';
import { numberPattern } from './sending-settings.ts';
import { sectionKeys } from './settings.ts';
import type { Sources } from './sources.ts';

const tiers: readonly NeededTier[] = [...(callerTiers satisfies readonly CallerTier[]), 'nobody'];

const toolName = (given: string) =>
  given === '*' || /^\w{1,64}$/.test(given)
    ? ok(given)
    : fail(`"${given}" is not the name of a tool, nor "*" for all`);

/** Reads `tool_access`: who may have which tool used, the first entry that fits decides. */
export function readToolAccess(sources: Sources): readonly AccessRule[] {
  return Section.all(sources, sectionKeys.toolAccess).flatMap(section => {
    const tools = section.value('tools', list(toolName));
    const agentId = section.value('agent_id', text(/^[\w-]{1,128}$/, 'the id as ElevenLabs shows it'));
    const number = section.value('phone_number', raw =>
      numberPattern(typeof raw === 'number' ? `+${raw}` : String(raw).trim()),
    );
    const tier = section.value('tier', choice(tiers));
    const ownTier = section.value('own_tier', choice(tiers));
    if (!section.has('tools')) section.complain('needs tools: names of tools, or "*" for all');
    if (!section.has('tier')) section.complain(`needs a tier: ${tiers.join(', ')}`);
    section.finish();
    if (tools === undefined || tier === undefined) return [];
    return [
      {
        tools,
        tier,
        ...(agentId === undefined ? {} : { agentId }),
        ...(number === undefined ? {} : { number }),
        ...(ownTier === undefined ? {} : { ownTier }),
      },
    ];
  });
}
