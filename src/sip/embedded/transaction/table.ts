/**
 * A state machine as data: for each state what each input leads to, as `[next state, ...actions]`. An input that a
 * state does not list is impossible there, and feeding it is a fault of the program.
 */
export type Table<State extends string, Input extends string, Action extends string> = Readonly<
  Record<State, Readonly<Partial<Record<Input, readonly [State, ...Action[]]>>>>
>;

/** What `input` does in `state`: the next state and the actions to carry out, in order. Throws when it is illegal. */
export function step<State extends string, Input extends string, Action extends string>(
  table: Table<State, Input, Action>,
  state: State,
  input: Input,
): readonly [State, ...Action[]] {
  const transition = table[state][input];
  if (transition === undefined) throw new Error(`illegal transition: ${input} in state ${state}`);
  return transition;
}

/** Whether `input` means anything in `state`. */
export function accepts(
  table: Readonly<Record<string, Readonly<Record<string, unknown>>>>,
  state: string,
  input: string,
): boolean {
  return Object.hasOwn(table[state] ?? {}, input);
}
