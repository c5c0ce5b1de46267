/** True when a URL's host (as `URL.hostname` gives it) cannot leave this machine: unencrypted traffic may go there. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname === '[::1]' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}
