import type { Key } from "../i18n";

/** What the picker offers, by kind; all of them single emoji. */
export const groups: readonly { word: Key; emoji: readonly string[] }[] = [
  { word: "chat.emoji.faces", emoji: "😀 😄 😁 😂 🤣 😊 😇 🙂 😉 😍 🥰 😘 😋 😜 🤪 🤗 🤔 🫢 🤭 😎 🥳 🤩 😏 😅 😭 😢 🥲 😤 😡 🤯 😱 😳 🥺 😴 🤤 😵 🙄 😬 🤐 🥹 🫠 🫡".split(" ") },
  { word: "chat.emoji.hands", emoji: "👋 👏 🙌 👍 👎 👌 ✌️ 🤞 🫰 🤟 🤘 🙏 💪 👊 ✊ 🤝 🫶 👀 🙇 🙆 🙅 💃 🕺".split(" ") },
  { word: "chat.emoji.hearts", emoji: "❤️ 🧡 💛 💚 💙 💜 🖤 🤍 💖 💗 💓 💞 💕 💘 💔 ❣️ 💯 ✨ ⭐ 🌟".split(" ") },
  { word: "chat.emoji.party", emoji: "🎉 🎊 🎆 🎇 🎈 🎁 🎂 🥁 🎵 🎶 🎤 🎸 🎹 🎻 🎬 🎮 🏆 🥇 🚀 🔥 💥 💰 💸 👑 🔔".split(" ") },
  { word: "chat.emoji.nature", emoji: "🐶 🐱 🐭 🐰 🦊 🐻 🐼 🐯 🦁 🐮 🐷 🐸 🐵 🐔 🐧 🐦 🐳 🐬 🌸 🌹 🌻 🍀 🌈 🌙 ☀️ ⛄".split(" ") },
  { word: "chat.emoji.food", emoji: "🍎 🍓 🍑 🍉 🍇 🌶️ 🍚 🍜 🍙 🍕 🍔 🍟 🍗 🍰 🍩 🍪 ☕ 🍺 🍻 🥂".split(" ") },
];

export const RECENT = 12;

/** The emoji used lately, with this one first. */
export function withRecent(recent: readonly string[], emoji: string): string[] {
  return [emoji, ...recent.filter((each) => each !== emoji)].slice(0, RECENT);
}
