/**
 * The service worker: lets the page start without a connection. It keeps the start page and the
 * files of one version. It never touches `/ws`, and no request for data.
 *
 * The files of a version never change: their address holds it (`/v/…/app.js`). So they come from
 * the cache. The start page names the version, so it comes from the server if that answers.
 */

const CACHE = 'page';
const VERSIONED = /^\/v\/[^/]+\//;

/** Milliseconds for the server to send the start page. */
const ANSWER_WITHIN = 4000;

const worker = /** @type {any} */ (self);

worker.addEventListener('install', () => worker.skipWaiting());
worker.addEventListener('activate', (/** @type {any} */ event) =>
  event.waitUntil(worker.clients.claim()),
);

worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== location.origin) return;
  if (request.mode === 'navigate' && url.pathname === '/') event.respondWith(startPage());
  else if (VERSIONED.test(url.pathname)) event.respondWith(versioned(request));
});

/** The page tells which files it uses: they came before this worker did. */
worker.addEventListener('message', (/** @type {any} */ event) => {
  if (event.data?.type === 'files') event.waitUntil(keep(event.data.files));
});

async function startPage() {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch('/', {
      cache: 'no-cache',
      signal: AbortSignal.timeout(ANSWER_WITHIN),
    });
    if (answer.ok) await cache.put('/', answer.clone());
    return answer;
  } catch (error) {
    const kept = await cache.match('/');
    if (kept) return kept;
    throw error;
  }
}

/** @param {Request} request */
async function versioned(request) {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(request.url);
  if (kept) return kept;
  const answer = await fetch(request);
  if (answer.ok) await cache.put(request.url, answer.clone());
  return answer;
}

/**
 * Keep these files and the start page, and delete those of other versions.
 * @param {string[]} files
 */
async function keep(files) {
  const cache = await caches.open(CACHE);
  const wanted = new Set(files);
  for (const { url } of await cache.keys()) {
    if (VERSIONED.test(new URL(url).pathname) && !wanted.has(url)) await cache.delete(url);
  }
  for (const file of ['/', ...wanted]) {
    if (!(await cache.match(file))) await cache.add(file);
  }
}
