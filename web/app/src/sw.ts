// The service worker: the page's shell is there without the network. What is said is not its
// business; that is in IndexedDB.
declare const SHELL: string[];
declare const VERSION: string;

interface WorkerScope {
  addEventListener(name: "install" | "activate", f: (e: { waitUntil(p: Promise<unknown>): void }) => void): void;
  addEventListener(name: "fetch", f: (e: { request: Request; respondWith(r: Promise<Response>): void }) => void): void;
  skipWaiting(): Promise<void>;
  readonly clients: { claim(): Promise<void> };
  readonly location: Location;
}

const scope = self as unknown as WorkerScope;
const cacheName = `shell-${VERSION}`;

scope.addEventListener("install", (e) => {
  e.waitUntil(
    caches
      .open(cacheName)
      .then((c) => c.addAll(SHELL))
      .then(() => scope.skipWaiting()),
  );
});

scope.addEventListener("activate", (e) => {
  e.waitUntil(
    caches
      .keys()
      .then((all) => Promise.all(all.filter((n) => n !== cacheName).map((n) => caches.delete(n))))
      .then(() => scope.clients.claim()),
  );
});

scope.addEventListener("fetch", (e) => {
  const url = new URL(e.request.url);
  if (e.request.method !== "GET" || url.origin !== scope.location.origin || !SHELL.includes(url.pathname)) return;
  // Files whose names have their hashes never change. The document is asked for, and its copy
  // is for when there is no answer in time.
  if (url.pathname !== "/") {
    e.respondWith(caches.match(url.pathname).then((r) => r ?? fetch(e.request)));
    return;
  }
  const kept = caches.match("/");
  e.respondWith(
    Promise.race([
      fetch(e.request).catch(() => null),
      new Promise<null>((resolve) => setTimeout(resolve, 2500, null)),
    ]).then(async (r) => (r?.ok ? r : ((await kept) ?? r ?? Response.error()))),
  );
});

export {};
