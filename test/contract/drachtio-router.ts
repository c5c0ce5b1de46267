import { createServer, type Server } from 'node:http';

/** What a drachtio-server asks where a request outside of dialogues goes, in outbound mode: always to the application at `port`. */
export class DrachtioRouter {
  /** Port of loopback that the application listens on. */
  port = 0;
  /** What it was asked, oldest first. */
  readonly asked: URLSearchParams[] = [];
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, answer) => {
      this.asked.push(new URL(request.url ?? '/', 'http://router').searchParams);
      answer.end(JSON.stringify({ action: 'route', data: { uri: `127.0.0.1:${this.port}` } }));
    });
  }

  static async open(): Promise<DrachtioRouter> {
    const router = new DrachtioRouter();
    await new Promise<void>(resolve => void router.#server.listen(0, '127.0.0.1', () => resolve()));
    return router;
  }

  /** What the server is configured with. */
  get configuration(): string {
    const address = this.#server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const handler = `<request-handler sip-method="*">http://127.0.0.1:${port}</request-handler>`;
    return `<request-handlers>${handler}</request-handlers>`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}
