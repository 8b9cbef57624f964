import { ServerLine } from "../chat/line";
import type { Heard, HeardByManagers, Line } from "../chat/line";
import type { RoomEvent } from "../chat/wire";

/** The server's line, with an ear for what only overlays are told. */
export class OverlayLine implements Line {
  private readonly line: Line;

  constructor(
    channel: string,
    token: string,
    private readonly hear: (event: RoomEvent) => void,
  ) {
    this.line = new ServerLine({ channel, nick: () => "", token });
  }

  open(heard: Heard): void {
    this.line.open({
      ...heard,
      onEvent: (event, sampled) => {
        this.hear(event);
        heard.onEvent(event, sampled);
      },
    });
  }

  call(method: string, data: Record<string, unknown>): Promise<unknown> {
    return this.line.call(method, data);
  }

  moderate(heard: HeardByManagers): () => void {
    return this.line.moderate(heard);
  }

  again(): void {
    this.line.again();
  }

  close(): void {
    this.line.close();
  }
}
