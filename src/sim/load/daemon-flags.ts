/**
 * What Node is started with wherever the daemon is (`npm start`, Dockerfile, systemd unit), and so wherever it is measured.
 *
 * `--max-semi-space-size`, MB: room for new objects of the main thread, of which V8 holds two. Node 24 lets it grow to 32, which
 * 200 calls fill: 239 MB of memory, where 208 do with 8, and calls are set up no slower. Other threads have the
 * room that `core/thread.ts` gives them.
 */
export const daemonFlags: readonly string[] = ['--enable-source-maps', '--max-semi-space-size=8'];
