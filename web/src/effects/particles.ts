/** Emoji that rain, rise, burst and fly: a canvas of our own, one loop for all of them, none when none is left. */

type Particle = { x: number; y: number; vx: number; vy: number; gravity: number; sway: number; turn: number; size: number; born: number; life: number; text: string };

/** Beyond this the oldest go: a phone keeps its frames. */
const MOST = 240;

export class Particles {
  private readonly context: CanvasRenderingContext2D | null;
  private readonly drawn = new Map<string, HTMLCanvasElement>();
  private alive: Particle[] = [];
  private frame = 0;
  private last = 0;

  constructor(private readonly canvas: HTMLCanvasElement) {
    this.context = canvas.getContext("2d");
  }

  rain(emoji: string, count = 40): void {
    for (let each = 0; each < count; each++)
      this.add(emoji, { x: Math.random(), y: -0.05 - Math.random() * 0.6, vx: 0, vy: 0.28 + Math.random() * 0.25, gravity: 0.1, sway: 0.02, size: 0.045 + Math.random() * 0.03, life: 5 });
  }

  rise(emoji: string, count = 18): void {
    for (let each = 0; each < count; each++)
      this.add(emoji, { x: 0.78 + Math.random() * 0.16, y: 1.02 + Math.random() * 0.35, vx: -0.01 + Math.random() * 0.02, vy: -0.26 - Math.random() * 0.16, gravity: 0, sway: 0.035, size: 0.04 + Math.random() * 0.035, life: 4.5 });
  }

  burst(emoji: string, count = 26): void {
    for (let each = 0; each < count; each++) {
      const angle = (each / count) * Math.PI * 2;
      const speed = 0.15 + Math.random() * 0.35;
      this.add(emoji, { x: 0.5, y: 0.45, vx: Math.cos(angle) * speed, vy: Math.sin(angle) * speed - 0.1, gravity: 0.35, sway: 0, size: 0.05, life: 2.6 });
    }
  }

  rocket(): void {
    this.add("🚀", { x: 0.5, y: 1.15, vx: 0, vy: -0.2, gravity: -0.85, sway: 0.004, size: 0.16, life: 2.6 });
    for (let each = 0; each < 30; each++)
      this.add("✨", { x: 0.47 + Math.random() * 0.06, y: 1.1 + Math.random() * 0.8, vx: -0.05 + Math.random() * 0.1, vy: -0.3 - Math.random() * 0.3, gravity: -0.3, sway: 0.02, size: 0.04, life: 2.4 });
  }

  stop(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.alive = [];
  }

  private add(text: string, particle: Omit<Particle, "text" | "born" | "turn">): void {
    this.alive.push({ ...particle, text, born: performance.now(), turn: Math.random() * Math.PI * 2 });
    if (this.alive.length > MOST) this.alive.splice(0, this.alive.length - MOST);
    if (this.frame === 0) {
      this.last = performance.now();
      this.frame = requestAnimationFrame(this.step);
    }
  }

  private readonly step = (now: number): void => {
    const { canvas, context } = this;
    if (!context) return;
    const seconds = Math.min(0.05, (now - this.last) / 1000);
    this.last = now;
    const ratio = Math.min(2, devicePixelRatio);
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio)) canvas.width = Math.round(width * ratio);
    if (canvas.height !== Math.round(height * ratio)) canvas.height = Math.round(height * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.alive = this.alive.filter((each) => now - each.born < each.life * 1000 && each.y < 1.4 && each.y > -0.9);
    for (const each of this.alive) {
      each.vy += each.gravity * seconds;
      each.x += each.vx * seconds;
      each.y += each.vy * seconds;
      const age = (now - each.born) / 1000;
      const size = each.size * height;
      context.globalAlpha = Math.min(1, (each.life - age) * 2);
      const x = (each.x + Math.sin(age * 3 + each.turn) * each.sway) * width;
      context.drawImage(this.picture(each.text), x - size / 2, each.y * height - size / 2, size, size);
    }
    context.globalAlpha = 1;
    this.frame = this.alive.length > 0 ? requestAnimationFrame(this.step) : 0;
    if (this.frame === 0) context.clearRect(0, 0, width, height);
  };

  /** A letter is drawn once; then it is a picture, which is ten times cheaper. */
  private picture(text: string): HTMLCanvasElement {
    const known = this.drawn.get(text);
    if (known) return known;
    const made = document.createElement("canvas");
    made.width = made.height = 96;
    const context = made.getContext("2d");
    if (context) {
      context.font = "76px system-ui, 'Apple Color Emoji', 'Noto Color Emoji', sans-serif";
      context.textAlign = "center";
      context.textBaseline = "middle";
      context.fillText(text, 48, 52);
    }
    if (this.drawn.size > 40) this.drawn.clear();
    this.drawn.set(text, made);
    return made;
  }
}
