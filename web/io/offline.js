/** Registers the service worker, with which the page starts without a connection. */

/** Browsers have service workers only with HTTPS, and on this machine. */
export async function prepareOffline() {
  if (!('serviceWorker' in navigator) || !isSecureContext) return;
  try {
    await navigator.serviceWorker.register('/sw.js', { scope: '/' });
    const { active } = await navigator.serviceWorker.ready;
    const entries = performance.getEntriesByType('resource').map((entry) => entry.name);
    const files = entries.filter((name) => new URL(name).pathname.startsWith('/v/'));
    active?.postMessage({ type: 'files', files });
  } catch {
    // A private window may refuse it. The page works without it.
  }
}
