/** A screen effect as it travels (`docs/4-api/superchat.md`). */
export type Effect = { id: string; kind: string; wall: number; emoji?: string; sticker?: string; combo?: number } & Record<string, unknown>;
