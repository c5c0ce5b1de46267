/** Throws when a rule is broken: that is how a target tells the engine. */
export function must(holds, rule) {
  if (!holds) throw new Error(rule);
}
