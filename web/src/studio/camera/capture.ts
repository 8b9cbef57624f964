import { Ticker } from "./ticker";

/** What is sent: the camera, the screen, or the screen with the camera in its corner. */
export type Scene = "camera" | "screen" | "both";

export type Devices = { cameras: MediaDeviceInfo[]; microphones: MediaDeviceInfo[] };

export type Choice = { scene: Scene; camera: string; microphone: string; height: number; fps: number };

/** Why there is no picture of a device. */
export type Obstacle = "insecure" | "denied" | "missing" | "busy" | "unknown";

export function obstacleOf(error: unknown): Obstacle {
  if (!(error instanceof DOMException)) return "unknown";
  if (error.name === "NotAllowedError" || error.name === "SecurityError") return "denied";
  if (error.name === "NotFoundError" || error.name === "OverconstrainedError") return "missing";
  if (error.name === "NotReadableError" || error.name === "AbortError") return "busy";
  return "unknown";
}

/** Browsers give cameras to pages by HTTPS and to localhost alone. */
export function isSecure(): boolean {
  return window.isSecureContext && "mediaDevices" in navigator;
}

export function canShareScreen(): boolean {
  return isSecure() && "getDisplayMedia" in navigator.mediaDevices;
}

export async function listDevices(): Promise<Devices> {
  const all = await navigator.mediaDevices.enumerateDevices();
  const of = (kind: MediaDeviceKind) => all.filter((device) => device.kind === kind && device.deviceId !== "");
  return { cameras: of("videoinput"), microphones: of("audioinput") };
}

/** The width of a picture with the usual proportions. */
export function widthOf(height: number): number {
  return Math.round((height * 16) / 9 / 2) * 2;
}

/** Where the camera stands on the shared screen: a quarter wide, at the bottom right. */
export function cornerOf(width: number, height: number, aspect: number): [x: number, y: number, width: number, height: number] {
  const margin = Math.round(width * 0.02);
  const wide = Math.round(width / 4);
  const high = Math.round(wide / aspect);
  return [width - wide - margin, height - high - margin, wide, high];
}

/** The largest place of these proportions in the middle of a canvas. */
export function fit(width: number, height: number, aspect: number): [x: number, y: number, width: number, height: number] {
  const wide = Math.min(width, Math.round(height * aspect));
  const high = Math.min(height, Math.round(width / aspect));
  return [Math.round((width - wide) / 2), Math.round((height - high) / 2), wide, high];
}

function element(stream: MediaStream): HTMLVideoElement {
  const video = document.createElement("video");
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  void video.play().catch(() => undefined);
  return video;
}

/** Picture and sound of one scene. `onGone`: somebody stopped sharing, or pulled a plug. */
export class Capture {
  readonly output = new MediaStream();
  private readonly opened: MediaStream[] = [];
  private context: AudioContext | null = null;
  private analyser: AnalyserNode | null = null;
  private gain: GainNode | null = null;
  private ticker: Ticker | null = null;

  private constructor(private readonly onGone: () => void) {}

  static async open(choice: Choice, onGone: () => void): Promise<Capture> {
    const capture = new Capture(onGone);
    try {
      await capture.begin(choice);
    } catch (error) {
      capture.close();
      throw error;
    }
    return capture;
  }

  private async begin(choice: Choice): Promise<void> {
    // The screen first: it must be asked for while the click is fresh.
    const screen = choice.scene === "camera" ? null : await navigator.mediaDevices.getDisplayMedia({ video: { frameRate: choice.fps }, audio: true });
    if (screen) this.keep(screen);
    const exact = (id: string) => (id ? { deviceId: { exact: id } } : {});
    const picture = { ...exact(choice.camera), width: { ideal: widthOf(choice.height) }, height: { ideal: choice.height }, frameRate: { ideal: choice.fps } };
    const sound = { ...exact(choice.microphone), echoCancellation: true, noiseSuppression: true };
    const own = await navigator.mediaDevices.getUserMedia({ audio: sound, video: choice.scene === "screen" ? false : picture });
    this.keep(own);
    this.addSound(screen ? [own, screen] : [own]);
    const camera = own.getVideoTracks()[0];
    const shared = screen?.getVideoTracks()[0];
    const track = choice.scene === "both" && screen && camera ? this.compose(screen, own, choice) : (shared ?? camera);
    if (track) {
      if (screen) track.contentHint = "detail";
      this.output.addTrack(track);
    }
  }

  private keep(stream: MediaStream): void {
    this.opened.push(stream);
    stream.getTracks().forEach((track) => track.addEventListener("ended", this.onGone));
  }

  private addSound(streams: MediaStream[]): void {
    const context = new AudioContext();
    this.context = context;
    void context.resume().catch(() => undefined);
    const sink = context.createMediaStreamDestination();
    this.analyser = context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.gain = context.createGain();
    streams.forEach((stream, index) => {
      if (stream.getAudioTracks().length === 0) return;
      const source = context.createMediaStreamSource(stream);
      // The microphone alone can be silenced; the screen's own sound goes on.
      const through = index === 0 ? source.connect(this.gain as GainNode) : source;
      through.connect(sink);
      through.connect(this.analyser as AnalyserNode);
    });
    const track = sink.stream.getAudioTracks()[0];
    if (track) this.output.addTrack(track);
  }

  /** Screen and camera on one canvas. A worker keeps the beat: a page behind the shared window has none. */
  private compose(screen: MediaStream, own: MediaStream, choice: Choice): MediaStreamTrack | undefined {
    const canvas = document.createElement("canvas");
    canvas.width = widthOf(choice.height);
    canvas.height = choice.height;
    const context = canvas.getContext("2d", { alpha: false });
    const [back, front] = [element(screen), element(new MediaStream(own.getVideoTracks()))];
    const aspect = (video: HTMLVideoElement) => (video.videoHeight ? video.videoWidth / video.videoHeight : 16 / 9);
    const draw = () => {
      if (!context) return;
      context.fillStyle = "black";
      context.fillRect(0, 0, canvas.width, canvas.height);
      context.drawImage(back, ...fit(canvas.width, canvas.height, aspect(back)));
      context.drawImage(front, ...cornerOf(canvas.width, canvas.height, aspect(front)));
    };
    this.ticker = new Ticker(1000 / choice.fps, draw);
    return canvas.captureStream(choice.fps).getVideoTracks()[0];
  }

  setSilent(silent: boolean): void {
    if (this.gain) this.gain.gain.value = silent ? 0 : 1;
  }

  /** How loud it is now, 0 to 1. */
  level(): number {
    if (!this.analyser) return 0;
    const samples = new Float32Array(this.analyser.fftSize);
    this.analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
    // -60 dB and less are silence, 0 dB are full.
    return power === 0 ? 0 : Math.max(0, Math.min(1, 1 + (10 * Math.log10(power)) / 60));
  }

  close(): void {
    this.ticker?.stop();
    for (const stream of this.opened) {
      for (const track of stream.getTracks()) {
        track.removeEventListener("ended", this.onGone);
        track.stop();
      }
    }
    this.output.getTracks().forEach((track) => track.stop());
    void this.context?.close().catch(() => undefined);
  }
}
