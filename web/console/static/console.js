// The set-up token travels in the URL's fragment, which browsers never send: it
// reaches neither a log nor a Referer. It goes into the form and out of the
// address bar.
const token = document.querySelector("[data-from-fragment]");
if (token && location.hash.length > 1) {
  token.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}

// A page with regions marked data-live follows its workspace's stream, which
// tells that something happened and no more. The page is then asked for again and
// its regions are replaced. A hidden page has no stream; without any of this it
// is what it was when it was opened.
const regions = () => [...document.querySelectorAll("[data-live]")];
let stream = null, wanted = false, busy = false, spoken = 0;

function follow() {
  const first = regions()[0];
  if (!first || document.hidden || stream) return;
  stream = new EventSource(first.dataset.live);
  const happened = (kinds) => () => {
    const concerned = regions().filter((r) => kinds.includes(r.dataset.liveOn ?? "all"));
    concerned.filter((r) => r.hasAttribute("hx-get")).forEach((r) => { r.dataset.changed = ""; });
    if (concerned.some((r) => !r.hasAttribute("hx-get"))) refresh();
  };
  stream.addEventListener("commit", happened(["all", "commit"]));
  stream.addEventListener("call", happened(["all"]));
  stream.addEventListener("end", leave);
  stream.addEventListener("error", () => { if (stream?.readyState === EventSource.CLOSED) leave(); });
}

function leave() {
  stream?.close();
  stream = null;
}

async function refresh() {
  if (busy) { wanted = true; return; }
  busy = true;
  try {
    const answer = await fetch(location.href, { redirect: "error" });
    if (answer.ok) show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    else leave();
  } catch {
    leave();
  } finally {
    busy = false;
    if (wanted && stream) { wanted = false; setTimeout(refresh, 1000); }
  }
}

function show(page) {
  for (const region of regions()) {
    const fresh = page.getElementById(region.id), focused = document.activeElement;
    if (!fresh || region.hasAttribute("hx-get") || fresh.innerHTML === region.innerHTML) continue;
    const inside = region.contains(focused);
    if (inside && focused.matches("input, select, textarea") || region.querySelector("details[open]")) continue;
    const scrolled = [...region.querySelectorAll(".scroll, pre")].map((e) => e.scrollLeft);
    const link = inside && focused.getAttribute("href");
    region.replaceChildren(...fresh.childNodes);
    [...region.querySelectorAll(".scroll, pre")].forEach((e, i) => { e.scrollLeft = scrolled[i] ?? 0; });
    if (link) [...region.querySelectorAll("a")].find((a) => a.getAttribute("href") === link)?.focus();
    const status = document.querySelector("[data-live-status]");
    if (status && Date.now() - spoken > 15000) { // not at each change: somebody may be listening
      spoken = Date.now();
      status.textContent = "Updated at " + new Date().toLocaleTimeString() + ".";
    }
  }
}

// A plugin's page that asks for itself again need not while nothing has changed.
document.addEventListener("htmx:beforeRequest", (event) => {
  const region = event.target.closest?.("[data-live][hx-get]");
  if (!region || !stream || stream.readyState !== EventSource.OPEN) return;
  if (region.dataset.changed === undefined) event.preventDefault();
});

document.addEventListener("visibilitychange", () => (document.hidden ? leave() : follow()));
addEventListener("pagehide", leave);
addEventListener("pageshow", follow);
follow();
