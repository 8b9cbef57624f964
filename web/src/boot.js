// Runs before the first paint: the theme and language somebody chose, and, where a live channel is shown, the first
// requests for its picture, whose answers the engine takes from `madangEarly`, or its connection from `madangWhep`.
(function () {
  var PARTS = 8;
  var engines = JSON.parse('__ENGINES__'.replace(/^_.*/, "{}"));
  var parts = JSON.parse('__PARTS__'.replace(/^_.*/, "[]"));
  var chosen = read(function () {
    return localStorage.getItem("madang.preferences");
  });
  var root = document.documentElement;
  var system = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  root.dataset.theme = chosen.theme === "light" || chosen.theme === "dark" ? chosen.theme : system;
  var language = chosen.language || (navigator.language || "en").slice(0, 2);
  root.lang = language === "ko" ? "ko" : "en";

  var channel = read(function () {
    return document.getElementById("state").textContent;
  }).channel;
  var engine = chosen.engine === "flv" || chosen.engine === "webrtc" ? chosen.engine : "hls";
  var shows = /^\/(@|embed\/)[^/]+\/?$/.test(location.pathname) && channel && channel.live.state === "live";
  if (!shows || !((engine === "webrtc" ? "RTCPeerConnection" : "MediaSource") in window)) return ahead();
  var token = new URLSearchParams(location.search).get("token");
  var early = (window.madangEarly = {});
  var query = token ? "?token=" + encodeURIComponent(token) : "";
  if (engine === "flv") ask("/live/" + channel.slug + ".flv" + query);
  else if (engine === "hls") playlists("/live/" + channel.slug + "/index.m3u8" + query);
  else window.madangWhep = offer("/live/" + channel.slug + "/whep" + query);
  (engines[engine] || []).forEach(function (chunk) {
    import(chunk).catch(function () {});
  });

  function read(source) {
    try {
      return JSON.parse(source() || "{}") || {};
    } catch {
      return {};
    }
  }

  // The page's own chunks. Where a picture comes first, they wait for it (player/begin.ts).
  function ahead() {
    parts.forEach(function (part) {
      var link = document.createElement("link");
      link.rel = "preload";
      link.as = "script";
      link.crossOrigin = "";
      link.fetchPriority = "low";
      link.href = part;
      document.head.append(link);
    });
  }

  function ask(url) {
    var stopped = new AbortController();
    var answer = fetch(url, { credentials: "same-origin", signal: stopped.signal });
    answer.catch(function () {});
    early[new URL(url, location.href).href] = { answer: answer, stopped: stopped };
    return answer;
  }

  // What player/webrtc.ts does for every other connection.
  function offer(url) {
    var connection = new RTCPeerConnection({ bundlePolicy: "max-bundle" });
    connection.addTransceiver("video", { direction: "recvonly" });
    connection.addTransceiver("audio", { direction: "recvonly" });
    var answer = connection.createOffer().then(function (made) {
      var opus = (/a=rtpmap:(\d+) opus\/48000\/2/i.exec(made.sdp) || [])[1];
      var sdp = opus ? made.sdp.replace(new RegExp("(a=fmtp:" + opus + " [^\\r\\n]*)"), "$1;stereo=1;sprop-stereo=1") : made.sdp;
      connection.setLocalDescription({ type: "offer", sdp: sdp }).catch(function () {});
      return fetch(url, { method: "POST", headers: { "Content-Type": "application/sdp" }, body: sdp });
    });
    var set = answer
      .then(function (came) {
        return came.ok ? came.text() : "";
      })
      .then(function (sdp) {
        if (sdp) return connection.setRemoteDescription({ type: "answer", sdp: sdp.replace(/(msid:)\S+( audio)/g, "$1sound$2") });
      });
    set.catch(function () {});
    return { url: url, connection: connection, answer: answer, set: set };
  }

  // The multivariant playlist names the media playlist, which names the header of the media.
  function playlists(url) {
    text(url)
      .then(function (index) {
        var media = /^[^#\s].*$/m.exec(index);
        if (!media) return "";
        url = new URL(media[0], new URL(url, location.href)).href;
        return text(url);
      })
      .then(function (list) {
        heads(list).forEach(function (name) {
          ask(new URL(name, url).href);
        });
      })
      .catch(function () {});
  }

  // The media's header, and the parts from the last keyframe before the hold-back on: where playing begins.
  function heads(list) {
    var header = /^#EXT-X-MAP:.*URI="([^"]+)"/m.exec(list);
    if (!header) return [];
    var wanted = Number((/PART-HOLD-BACK=([\d.]+)/.exec(list) || [])[1]) || 0;
    var parts = list.match(/^#EXT-X-PART:.*$/gm) || [];
    var first = parts.length;
    while (first > 0 && parts.length - first < PARTS && (wanted > 0 || !/INDEPENDENT=YES/.test(parts[first] || ""))) {
      first -= 1;
      wanted -= Number((/DURATION=([\d.]+)/.exec(parts[first]) || [])[1]);
    }
    return [header[1]].concat(
      parts.slice(first).map(function (part) {
        return /URI="([^"]+)"/.exec(part)[1];
      }),
    );
  }

  function text(url) {
    return ask(url).then(function (answer) {
      return answer.clone().text();
    });
  }
})();
