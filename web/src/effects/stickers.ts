/** Lottie stickers, drawn by us: shapes that pop up, turn and go. */

type Point = [number, number];
export const STICKERS = ["heart", "star", "clap", "party"] as const;
export type Sticker = (typeof STICKERS)[number];

function ease(from: number[], to: number[], start: number, end: number, last = false) {
  const curve = { i: { x: [0.3], y: [1] }, o: { x: [0.5], y: [0] } };
  return last ? [{ t: start, s: from, ...curve }, { t: end, s: to }] : [{ t: start, s: from, ...curve }];
}

function path(points: Point[], inward: Point[], outward: Point[]) {
  return { ty: "sh", ks: { a: 0, k: { i: inward, o: outward, v: points, c: true } } };
}

function star(points: number, outer: number, inner: number): Point[] {
  return Array.from({ length: points * 2 }, (_, each) => {
    const angle = (each * Math.PI) / points - Math.PI / 2;
    const radius = each % 2 === 0 ? outer : inner;
    return [Math.cos(angle) * radius, Math.sin(angle) * radius] as Point;
  });
}

const straight = (points: Point[]): Point[] => points.map(() => [0, 0]);

function shape(name: Sticker) {
  if (name === "heart") {
    const points: Point[] = [[0, 60], [-70, -10], [0, -35], [70, -10]];
    return { color: [1, 0.25, 0.4, 1], path: path(points, [[0, 0], [0, 45], [-10, -45], [0, -45]], [[0, 0], [0, -45], [10, -45], [0, 45]]) };
  }
  const points = star(name === "star" ? 5 : name === "clap" ? 8 : 12, 75, name === "star" ? 34 : 48);
  const color = name === "star" ? [1, 0.79, 0.16, 1] : name === "clap" ? [0.5, 0.83, 0.66, 1] : [0.56, 0.78, 1, 1];
  return { color, path: path(points, straight(points), straight(points)) };
}

/** The animation as lottie reads it: two seconds at 30 frames. */
export function animation(name: Sticker): object {
  const { color, path: outline } = shape(name);
  const pop = [...ease([0, 0], [120, 120], 0, 10), ...ease([125, 125], [100, 100], 10, 18), ...ease([100, 100], [104, 104], 18, 44), ...ease([104, 104], [0, 0], 44, 58, true)];
  const turn = [...ease([-25], [8], 0, 14), ...ease([8], [-4], 14, 34), ...ease([-4], [0], 34, 58, true)];
  return {
    v: "5.7.0",
    fr: 30,
    ip: 0,
    op: 60,
    w: 200,
    h: 200,
    nm: name,
    ddd: 0,
    assets: [],
    layers: [
      {
        ddd: 0,
        ind: 1,
        ty: 4,
        nm: name,
        sr: 1,
        ks: { o: { a: 0, k: 100 }, r: { a: 1, k: turn }, p: { a: 0, k: [100, 100, 0] }, a: { a: 0, k: [0, 0, 0] }, s: { a: 1, k: pop.map((each) => ({ ...each, s: [...each.s, 100] })) } },
        ao: 0,
        shapes: [
          {
            ty: "gr",
            it: [
              outline,
              { ty: "fl", c: { a: 0, k: color }, o: { a: 0, k: 100 }, r: 1 },
              { ty: "tr", p: { a: 0, k: [0, 0] }, a: { a: 0, k: [0, 0] }, s: { a: 0, k: [100, 100] }, r: { a: 0, k: 0 }, o: { a: 0, k: 100 } },
            ],
          },
        ],
        ip: 0,
        op: 60,
        st: 0,
        bm: 0,
      },
    ],
  };
}
