/** The other end of a child process of the bench. A child that loses its parent ends by itself. */
export class Parent<In, Out> {
  constructor(hear: (message: In) => void, orphaned: () => void = () => undefined) {
    process.on('message', message => hear(message as In));
    process.on('disconnect', () => {
      orphaned();
      process.exit(1);
    });
  }

  tell(message: Out): void {
    process.send?.(message as object);
  }
}
