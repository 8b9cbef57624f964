/*
 * Madang's ComfyJS: the global that stream overlays and bots know, fed by a Madang room.
 * Change one <script src> and keep the page: <script src="https://live.example.org/sdk/comfy.js"></script>
 * Which events fire, and which never do, is in the documentation under "ComfyJS".
 */
(function (root) {
  "use strict";

  var here = typeof document !== "undefined" && document.currentScript ? new URL(document.currentScript.src).origin : "";
  var nothing = function () {};
  var EVENTS = [
    "onCommand", "onChat", "onWhisper", "onMessageDeleted", "onChatMode", "onJoin", "onPart", "onHosted", "onRaid", "onCheer",
    "onSub", "onResub", "onSubGift", "onSubMysteryGift", "onGiftSubContinue", "onReward", "onBan", "onTimeout", "onHypeTrain",
    "onShoutout", "onPoll", "onPrediction", "onConnected", "onReconnect",
  ];

  function Line(base, token, hear) {
    this.base = base;
    this.token = token;
    this.hear = hear;
    this.number = 0;
    this.waiting = {};
    this.socket = null;
    this.closed = false;
    this.tries = 0;
  }

  Line.prototype.open = function () {
    var line = this;
    var socket = (line.socket = new WebSocket(line.base.replace(/^http/, "ws") + "/connection/websocket"));
    socket.onopen = function () {
      line.tries = 0;
      line.hear.open();
    };
    socket.onmessage = function (message) {
      String(message.data).split("\n").forEach(function (text) {
        if (text) line.read(JSON.parse(text));
      });
    };
    socket.onclose = function () {
      Object.keys(line.waiting).forEach(function (id) {
        line.waiting[id].no(new Error("disconnected"));
      });
      line.waiting = {};
      if (line.closed) return;
      line.tries += 1;
      // Full jitter: a crowd of overlays does not come back at once.
      setTimeout(function () {
        if (!line.closed) line.hear.again(line.tries);
      }, Math.random() * Math.min(20000, 500 * Math.pow(2, line.tries)));
    };
    socket.onerror = nothing;
  };

  Line.prototype.read = function (reply) {
    if (Object.keys(reply).length === 0) return this.socket.send("{}");
    if (reply.id && this.waiting[reply.id]) {
      var asked = this.waiting[reply.id];
      delete this.waiting[reply.id];
      if (reply.error) asked.no(Object.assign(new Error(reply.error.message), { code: reply.error.code }));
      else asked.yes(reply);
    }
    if (reply.push && reply.push.pub) this.hear.event(reply.push.channel || "", reply.push.pub.data);
    return undefined;
  };

  Line.prototype.ask = function (command) {
    var line = this;
    return new Promise(function (yes, no) {
      if (!line.socket || line.socket.readyState !== 1) return no(new Error("not connected"));
      line.number += 1;
      line.waiting[line.number] = { yes: yes, no: no };
      line.socket.send(JSON.stringify(Object.assign({ id: line.number }, command)));
      return undefined;
    });
  };

  Line.prototype.close = function () {
    this.closed = true;
    if (this.socket) this.socket.close();
  };

  async function json(url, options) {
    var answer = await fetch(url, options);
    if (!answer.ok) throw new Error(url + " answered " + answer.status);
    return answer.json();
  }

  var state = { line: null, channel: null, you: null, commands: {}, lastCommand: 0, first: true, poll: null };

  function flagsOf(user, kind) {
    var role = user.role;
    return {
      broadcaster: role === "owner" || role === "broadcaster",
      mod: role === "manager",
      founder: false,
      subscriber: role === "subscriber",
      vip: role === "vip",
      highlighted: kind === "announcement",
      customReward: false,
    };
  }

  function extraOf(message) {
    var user = message.user || { id: "", name: "", badges: [] };
    var flags = flagsOf(user, message.kind);
    var badges = {};
    (user.badges || []).forEach(function (badge) {
      badges[badge] = "1";
    });
    return {
      id: message.id,
      channel: state.channel.slug,
      roomId: state.channel.id,
      messageType: message.kind === "action" ? "action" : "chat",
      messageEmotes: null,
      isEmoteOnly: false,
      userId: user.id,
      username: user.name,
      displayName: user.name,
      userColor: user.color === undefined ? "" : String(user.color),
      userBadges: badges,
      userState: user,
      customRewardId: null,
      flags: flags,
      timestamp: String(message.at),
    };
  }

  function said(message) {
    var user = message.user;
    var extra = extraOf(message);
    var self = !!state.you && user.id === state.you.id;
    if (message.kind === "paid") {
      extra.bits = message.paid.amount;
      extra.amount = message.paid.amount;
      extra.currency = message.paid.currency;
      extra.tier = message.paid.tier;
      ComfyJS.onCheer(user.name || "Anonymous", message.text, message.paid.amount, extra.flags, extra);
      return;
    }
    var command = /^(?:@\S+\s+)?!(\S+)\s*([\s\S]*)$/.exec(message.text);
    if (!command) {
      ComfyJS.onChat(user.name, message.text, extra.flags, self, extra);
      return;
    }
    var name = command[1].toLowerCase();
    var now = Date.now();
    var key = user.id + " " + name;
    extra.sinceLastCommand = { any: state.lastCommand ? now - state.lastCommand : Infinity, user: state.commands[key] ? now - state.commands[key] : Infinity };
    state.lastCommand = state.commands[key] = now;
    ComfyJS.onCommand(user.name, name, command[2], extra.flags, extra);
  }

  function plain(event) {
    return { channel: state.channel.slug, roomId: state.channel.id, timestamp: String(event.at || Date.now()) };
  }

  function moderated(entry) {
    var extra = Object.assign(plain(entry), { username: entry.target_name, userId: entry.target, reason: entry.reason });
    if (entry.action === "ban") ComfyJS.onBan(entry.target_name, extra);
    if (entry.action === "timeout") ComfyJS.onTimeout(entry.target_name, entry.duration_s || 0, extra);
  }

  function polled(poll) {
    if (!poll) {
      state.poll = null;
      return;
    }
    var type = poll.state === "ended" ? "end" : state.poll === poll.id ? "progress" : "begin";
    state.poll = poll.state === "ended" ? null : poll.id;
    var choices = poll.choices.map(function (title, place) {
      return { id: String(place), title: title, votes: poll.counts[place] };
    });
    var left = poll.ends_at && type !== "end" ? Math.max(0, poll.ends_at - Date.now()) : 0;
    ComfyJS.onPoll(type, poll.title, choices, poll.votes, left, Object.assign(plain(poll), { id: poll.id }));
  }

  function heard(channel, event) {
    if (!event || !state.channel) return;
    if (event.t === "message" && !event.deleted && channel.indexOf("madang_chat:") === 0) said(event);
    else if (event.t === "delete")
      event.ids.forEach(function (id) {
        ComfyJS.onMessageDeleted(id, plain(event));
      });
    else if (event.t === "settings") {
      var s = event.settings;
      ComfyJS.onChatMode({ slow: s.slow_s > 0, slowSeconds: s.slow_s, subscribers: s.subscribers_only, followers: s.followers_min !== null, emoteOnly: s.emoji_only, uniqueChat: s.unique }, state.channel.slug);
    } else if (event.t === "role" && event.role === "subscriber") ComfyJS.onSub(event.name || event.user, "", { prime: false, plan: "1000", planName: "subscriber" }, plain(event));
    else if (event.t === "poll") polled(event.poll);
    else if (event.t === "audit") moderated(event.entry);
  }

  async function connect(name, token, tries) {
    try {
      var channel = await json(ComfyJS.madang + "/api/v1/channels/" + encodeURIComponent(name), { credentials: "include" });
      state.channel = { id: channel.id, slug: channel.slug };
      var ticket = token || (await json(ComfyJS.madang + "/api/v1/realtime/token", { method: "POST", credentials: "include", headers: { "X-Madang": "1", "Content-Type": "application/json" }, body: "{}" })).token;
      var line = (state.line = new Line(ComfyJS.madang, ticket, {
        open: function () {
          enter(line).catch(fail);
        },
        again: function (count) {
          if (state.line !== line) return;
          ComfyJS.onReconnect(count);
          line.close();
          connect(name, token, count);
        },
        event: function (where, event) {
          try {
            heard(where, event);
          } catch (error) {
            ComfyJS.onError(error);
          }
        },
      }));
      line.tries = tries;
      line.open();
    } catch (error) {
      fail(error);
      setTimeout(function () {
        if (state.wanted === name) connect(name, token, tries + 1);
      }, Math.random() * Math.min(20000, 500 * Math.pow(2, tries + 1)));
    }
  }

  async function enter(line) {
    await line.ask({ connect: { token: line.token, name: "comfy" } });
    var room = (await line.ask({ subscribe: { channel: "madang_chat:" + state.channel.id } })).subscribe.data;
    state.you = room.you;
    state.poll = room.poll ? room.poll.id : null;
    // Managers hear of bans and timeouts; for others this is refused, which is no error.
    line.ask({ subscribe: { channel: "madang_mod:" + state.channel.id } }).catch(nothing);
    var address = new URL(ComfyJS.madang);
    ComfyJS.onConnected(address.hostname, Number(address.port) || (address.protocol === "https:" ? 443 : 80), state.first);
    state.first = false;
  }

  function fail(error) {
    ComfyJS.onError(error);
  }

  function call(method, data) {
    if (!state.line) return Promise.reject(new Error("not connected"));
    return state.line.ask({ rpc: { method: method, data: Object.assign({ channel: state.channel.id }, data) } });
  }

  var ComfyJS = {
    isDebug: false,
    useDefaultLogging: true,
    /** The server; the one this script came from, unless you say otherwise before Init. */
    madang: here,
    onError: function (error) {
      console.error("ComfyJS:", error);
    },
    /** `oauth` is a realtime token of yours; without one the visitor's session, or a guest. */
    Init: function (channel, oauth, channels) {
      var name = String((channels && channels[0]) || channel).replace(/^[#@]/, "");
      ComfyJS.Disconnect();
      state.first = true;
      state.wanted = name;
      connect(name, oauth ? String(oauth).replace(/^oauth:/, "") : "", 0);
    },
    Say: function (message) {
      return call("chat.send", { text: String(message) }).then(function () { return true; }, function (error) { fail(error); return false; });
    },
    Reply: function (parent, message) {
      return call("chat.send", { text: String(message), reply_to: String(parent) }).then(function () { return true; }, function (error) { fail(error); return false; });
    },
    Whisper: function () {
      fail(new Error("A room has no whispers"));
      return false;
    },
    DeleteMessage: function (id) {
      return call("chat.delete", { id: String(id) }).then(function () { return true; }, function (error) { fail(error); return false; });
    },
    GetClient: function () {
      return state.line;
    },
    Disconnect: function () {
      state.wanted = null;
      if (state.line) state.line.close();
      state.line = null;
    },
  };
  EVENTS.forEach(function (name) {
    ComfyJS[name] = nothing;
  });
  ComfyJS.default = ComfyJS;
  root.ComfyJS = ComfyJS;
  if (typeof module !== "undefined" && module.exports) module.exports = ComfyJS;
})(typeof window !== "undefined" ? window : globalThis);
