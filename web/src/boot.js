// Runs before the first paint: the theme and language somebody chose, and an early request for the player's engine.
(function () {
  var engines = JSON.parse('__ENGINES__'.replace(/^_.*/, "{}"));
  var chosen = {};
  try {
    chosen = JSON.parse(localStorage.getItem("madang.preferences") || "{}");
  } catch {
    chosen = {};
  }
  var root = document.documentElement;
  var system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  root.dataset.theme = chosen.theme === "light" || chosen.theme === "dark" ? chosen.theme : system;
  var language = chosen.language || (navigator.language || "en").slice(0, 2);
  root.lang = language === "ko" ? "ko" : "en";

  var page = /^\/(?:@|embed\/)([a-z0-9][a-z0-9_-]{0,63})\/?$/.exec(location.pathname);
  if (!page) return;
  var engine = chosen.engine === "flv" || chosen.engine === "webrtc" ? chosen.engine : "hls";
  // What the page will ask for first, asked now: the engine's code, and whether the channel is live.
  if (engines[engine]) import(engines[engine]).catch(function () {});
  var token = new URLSearchParams(location.search).get("token");
  var address = "/api/v1/channels/" + page[1] + (token && location.pathname[1] === "e" ? "?token=" + encodeURIComponent(token) : "");
  var answer = fetch(address, { headers: { Accept: "application/json" } });
  answer.catch(function () {});
  window.madangEarly = { address: address, answer: answer };
})();
