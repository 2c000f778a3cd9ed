// The newest view from the service, and by this page's own clock whether any comes.
const LOST_MS = 12000; // the service sends every 5 s; two may be late, three are not
const AGAIN_MS = 8000; // between attempts of our own, where the browser's stream hangs

export function spoken(seconds) {
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export function live(address, show) {
  let view = null;
  let heard = null; // moments of the newest view, by two clocks
  let quickest = Infinity; // least time from the service's clock to ours: a message takes longer if it is late
  let late = 0;
  let stream = null;
  let opened = 0;

  const now = () => ({ mono: performance.now(), wall: Date.now() });

  // The larger of two clocks: one stops while a phone sleeps, the other may be set back.
  function sinceHeard() {
    if (!heard) return Infinity;
    const at = now();
    return Math.max(at.mono - heard.mono, at.wall - heard.wall, 0) + late;
  }

  function connect() {
    if (stream) stream.close();
    quickest = Infinity;
    opened = performance.now();
    stream = new EventSource(address);
    stream.addEventListener("view", (event) => take(JSON.parse(event.data)));
    stream.addEventListener("error", () => {
      if (stream.readyState === EventSource.CLOSED) whetherLetIn();
    });
  }

  async function whetherLetIn() {
    try {
      const answer = await fetch("/", { method: "GET", redirect: "manual", cache: "no-store" });
      if (answer.type === "opaqueredirect") location.assign("/pair");
      else if (answer.status === 503) location.assign("/"); // it cannot begin, and the page there says why
    } catch {
      // not reachable: the page says so by itself
    }
  }

  function take(next) {
    const at = now();
    const trip = at.mono - next.made_ms;
    quickest = Math.min(quickest, trip);
    late = trip - quickest;
    heard = at;
    view = next;
    show();
  }

  connect();
  setInterval(() => {
    if (sinceHeard() > LOST_MS && performance.now() - opened > AGAIN_MS) connect();
    if (view || performance.now() > LOST_MS) show();
  }, 1000);

  return {
    sinceHeard,
    get view() {
      return view;
    },
    get lost() {
      return sinceHeard() > LOST_MS;
    },
  };
}
