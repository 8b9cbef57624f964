import type { Effect } from "./effect";
import { Particles } from "./particles";
import { animation, STICKERS, type Sticker } from "./stickers";

const COMBO_MS = 2500;
const STICKERS_AT_ONCE = 4;
const STILL_MS = 2500;

/** Draws effects into an element that lies over a picture; the picture stays clickable. */
export class EffectStage {
  private readonly particles: Particles;
  private readonly paper: HTMLCanvasElement;
  private readonly confettiPaper: HTMLCanvasElement;
  private readonly combo: HTMLElement;
  private comboTimer: ReturnType<typeof setTimeout> | undefined;
  private fire: ((options: import("canvas-confetti").Options) => unknown) | null = null;
  private reset: () => void = () => undefined;
  private readonly stickers = new Set<() => void>();
  /** For tests and the curious: how many effects of each kind were drawn. */
  readonly count: Record<string, number> = {};

  constructor(
    private readonly root: HTMLElement,
    private readonly still: () => boolean = () => matchMedia("(prefers-reduced-motion: reduce)").matches,
  ) {
    this.paper = this.layer("canvas");
    this.confettiPaper = this.layer("canvas");
    this.combo = this.layer("div");
    this.combo.className += " grid place-items-end p-[5%] text-[clamp(20px,5vw,56px)] font-black text-white tabular-nums";
    this.combo.style.textShadow = "0 2px 12px rgb(0 0 0 / 0.7)";
    this.combo.setAttribute("aria-hidden", "true");
    this.particles = new Particles(this.paper);
    root.dataset["effects"] = "0";
  }

  private layer<Name extends "canvas" | "div">(name: Name): HTMLElementTagNameMap[Name] {
    const made = document.createElement(name);
    made.className = "pointer-events-none absolute inset-0 size-full";
    this.root.append(made);
    return made;
  }

  draw(effect: Effect): void {
    const kind = effect.kind;
    this.count[kind] = (this.count[kind] ?? 0) + 1;
    this.root.dataset["effects"] = String(Number(this.root.dataset["effects"] ?? 0) + 1);
    this.root.dataset["effect"] = kind;
    const emoji = effect.emoji ?? "";
    if (this.still()) this.show(emoji || stillOf(kind));
    else if (kind === "rain") this.particles.rain(emoji || "🎉");
    else if (kind === "hearts") this.particles.rise(emoji || "❤️");
    else if (kind === "money") this.particles.rain("💸", 60);
    else if (kind === "rocket") this.particles.rocket();
    else if (kind === "combo") this.countUp(emoji || "👏", effect.combo ?? 1);
    else if (kind === "sticker") void this.stick(effect.sticker ?? "heart");
    else if (kind === "confetti" || kind === "fireworks") void this.throw(kind);
  }

  stop(): void {
    clearTimeout(this.comboTimer);
    this.particles.stop();
    this.reset();
    this.stickers.forEach((end) => end());
    this.root.replaceChildren();
  }

  /** Without motion: the emoji stands in the corner for a moment. */
  private show(text: string): void {
    this.combo.textContent = text;
    clearTimeout(this.comboTimer);
    this.comboTimer = setTimeout(() => (this.combo.textContent = ""), STILL_MS);
  }

  private countUp(emoji: string, combo: number): void {
    this.particles.rise(emoji, Math.min(6 + combo, 20));
    this.combo.textContent = combo > 1 ? `${emoji} × ${combo}` : emoji;
    this.combo.animate([{ transform: "scale(1.15)" }, { transform: "scale(1)" }], { duration: 180, easing: "ease-out" });
    clearTimeout(this.comboTimer);
    this.comboTimer = setTimeout(() => (this.combo.textContent = ""), COMBO_MS);
  }

  private async throw(kind: "confetti" | "fireworks"): Promise<void> {
    if (this.fire === null) {
      const { default: confetti } = await import("canvas-confetti");
      const made = confetti.create(this.confettiPaper, { resize: true, useWorker: false, disableForReducedMotion: true });
      this.fire = made;
      this.reset = () => made.reset();
    }
    const fire = this.fire;
    if (kind === "confetti") {
      void fire({ particleCount: 70, angle: 60, spread: 60, startVelocity: 55, origin: { x: 0, y: 0.9 } });
      void fire({ particleCount: 70, angle: 120, spread: 60, startVelocity: 55, origin: { x: 1, y: 0.9 } });
      return;
    }
    for (let each = 0; each < 5; each++)
      setTimeout(() => void fire({ particleCount: 55, spread: 360, startVelocity: 26, ticks: 70, gravity: 0.6, decay: 0.92, scalar: 0.9, origin: { x: 0.15 + Math.random() * 0.7, y: 0.15 + Math.random() * 0.35 } }), each * 280);
  }

  private async stick(name: string): Promise<void> {
    if (this.stickers.size >= STICKERS_AT_ONCE) return;
    const sticker: Sticker = STICKERS.find((each) => each === name) ?? "heart";
    const { default: lottie } = await import("lottie-web/build/player/lottie_light");
    const place = document.createElement("div");
    place.className = "pointer-events-none absolute h-[40%] aspect-square";
    place.style.left = `${20 + Math.random() * 50}%`;
    place.style.top = `${15 + Math.random() * 40}%`;
    this.root.append(place);
    const played = lottie.loadAnimation({ container: place, renderer: "svg", loop: false, autoplay: true, animationData: animation(sticker) });
    const end = () => {
      played.destroy();
      place.remove();
      this.stickers.delete(end);
    };
    this.stickers.add(end);
    this.root.dataset["sticker"] = sticker;
    played.addEventListener("complete", end);
  }
}

function stillOf(kind: string): string {
  const known: Record<string, string> = { hearts: "❤️", confetti: "🎉", fireworks: "🎆", money: "💸", rocket: "🚀", combo: "👏", sticker: "⭐" };
  return known[kind] ?? "🎉";
}
