// The set-up token travels in the URL's fragment, which browsers never send: it
// reaches neither a log nor a Referer. It goes into the form and out of the
// address bar.
const token = document.querySelector("[data-from-fragment]");
if (token && location.hash.length > 1) {
  token.value = decodeURIComponent(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
}
