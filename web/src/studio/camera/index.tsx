import { Camera, FlipVertical2, Mic, MicOff, MonitorUp, RadioTower, ScreenShare, Square, TriangleAlert } from "lucide-react";
import { useCallback, useEffect, useRef, useState, type ReactNode } from "react";
import { api } from "../../api/client";
import type { Channel, Page, StreamKey, StreamKeyValue } from "../../api/types";
import type { Key } from "../../i18n";
import { bitrate } from "../../i18n/moments";
import { useT } from "../../store/language";
import { useSubmit } from "../../store/submit";
import { Button, IconButton } from "../../ui/button";
import { classes } from "../../ui/classes";
import { FormError, SelectField } from "../../ui/form";
import { LiveBadge } from "../../ui/marks";
import { useRecent } from "../../ui/recent";
import { Failed, Loading, Notice, sayError } from "../../ui/states";
import { Health } from "../health";
import { usable } from "../send";
import { useStudio } from "../stream";
import { Capture, canShareScreen, isSecure, listDevices, obstacleOf, type Choice, type Devices, type Obstacle, type Scene } from "./capture";
import { Level } from "./level";
import { WhipPublisher, WhipRefused, type Sending } from "./whip";

const HEIGHTS = ["360", "540", "720", "1080"];
const BITRATES = ["600", "1200", "2500", "4500"];
const FPS = 30;
/** At the start every browser feels its way up; what lasts longer is worth a word. */
const LIMITED_S = 10;

/** `/studio/camera`: a broadcast from this very browser. */
export function CameraRoom({ slug }: { slug: string }) {
  const { channel, stream } = useStudio(slug);
  const t = useT();
  const found = channel.value;
  if (!found) return channel.error ? <Failed page error={channel.error} retry={channel.reload} /> : <Loading />;
  if (!isSecure()) return <Insecure />;
  return (
    <>
      <h1 className="mb-6 text-xl font-bold tracking-tight">{t("camera.title")}</h1>
      <Desk channel={found} health={stream && <Health stream={stream} />} />
    </>
  );
}

/** Why the browser gives no camera here, and what to do about it. */
function Insecure() {
  const t = useT();
  const local = `http://localhost${location.port ? `:${location.port}` : ""}${location.pathname}${location.search}`;
  return (
    <Notice page title={t("camera.insecure.title")}>
      <p>{t("camera.insecure.text", { host: location.host })}</p>
      <ul className="mt-3 list-disc space-y-1.5 pl-5 text-left">
        <li>{t("camera.insecure.https")}</li>
        <li>
          {t("camera.insecure.local")}{" "}
          <a className="break-all text-link underline" href={local}>
            {local}
          </a>
        </li>
        <li>{t("camera.insecure.obs")}</li>
      </ul>
    </Notice>
  );
}

type Held = { capture: Capture | null; obstacle: Obstacle | null; close: () => void };

/** Picture and sound of what is chosen; another choice opens others. */
function useCapture(choice: Choice | null): Held {
  const [held, setHeld] = useState<{ capture: Capture | null; obstacle: Obstacle | null }>({ capture: null, obstacle: null });
  const current = useRef<Capture | null>(null);
  const close = useCallback(() => {
    current.current?.close();
    current.current = null;
    setHeld({ capture: null, obstacle: null });
  }, []);
  useEffect(() => {
    if (!choice) return undefined;
    let over = false;
    Capture.open(choice, () => setHeld({ capture: null, obstacle: "missing" })).then(
      (capture) => {
        if (over) {
          capture.close();
          return;
        }
        const before = current.current;
        current.current = capture;
        setHeld({ capture, obstacle: null });
        // What is on the air goes over to the new tracks before the old ones stop.
        window.setTimeout(() => before?.close(), 300);
      },
      (error: unknown) => !over && setHeld(({ capture }) => ({ capture, obstacle: obstacleOf(error) })),
    );
    return () => {
      over = true;
    };
  }, [choice]);
  useEffect(() => close, [close]);
  return { ...held, close };
}

function useDevices(opened: boolean): Devices {
  const [devices, setDevices] = useState<Devices>({ cameras: [], microphones: [] });
  useEffect(() => {
    const look = () => void listDevices().then(setDevices, () => undefined);
    look();
    navigator.mediaDevices.addEventListener("devicechange", look);
    return () => navigator.mediaDevices.removeEventListener("devicechange", look);
  }, [opened]);
  return devices;
}

/** The key to publish with: one that exists, else a new one. */
async function keyFor(channel: Channel, guard: <T>(work: () => Promise<T>) => Promise<T | null>): Promise<string | null> {
  const base = `/channels/${channel.id}/keys`;
  const keys = (await api.get<Page<StreamKey>>(base, { limit: 100 })).items.filter((key) => usable(key, Date.now()));
  const key = keys.find((each) => each.live) ?? keys.at(-1);
  const value = await guard(() => (key ? api.post<StreamKeyValue>(`${base}/${key.id}/reveal`) : api.post<StreamKeyValue>(base, {})));
  return value?.value ?? null;
}

function Desk({ channel, health }: { channel: Channel; health: ReactNode }) {
  const t = useT();
  const [choice, setChoice] = useState<Choice | null>(null);
  const [next, setNext] = useState<Choice>({ scene: "camera", camera: "", microphone: "", height: 720, fps: FPS });
  const [kbits, setKbits] = useState("2500");
  const [mirrored, setMirrored] = useState(true);
  const [silent, setSilent] = useState(false);
  const [sending, setSending] = useState<Sending | null>(null);
  const publisher = useRef<WhipPublisher | null>(null);
  const { capture, obstacle, close } = useCapture(choice);
  const devices = useDevices(capture !== null);
  const { error, busy, run } = useSubmit();
  const { guard, dialog } = useRecent();
  const onAir = sending !== null;
  const elsewhere = channel.live.state === "live" && !onAir;

  const change = (part: Partial<Choice>) => {
    const changed = { ...next, ...part };
    setNext(changed);
    if (choice) setChoice(changed);
  };
  useEffect(() => capture?.setSilent(silent), [capture, silent]);
  useEffect(() => {
    if (capture) void publisher.current?.replace(capture.output);
  }, [capture]);
  useEffect(() => void publisher.current?.setBitrate(Number(kbits) * 1000), [kbits]);
  useEffect(() => () => publisher.current?.stop(), []);
  useEffect(() => {
    if (!onAir) return undefined;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [onAir]);

  const end = () => {
    publisher.current?.stop();
    publisher.current = null;
    setSending(null);
  };
  const shut = () => {
    close();
    setChoice(null);
  };
  const start = () =>
    run(async () => {
      if (!capture) return;
      const key = await keyFor(channel, guard);
      if (key === null) return;
      const made = new WhipPublisher(`/live/${channel.slug}/whip`, key, capture.output, Number(kbits) * 1000, setSending, end);
      publisher.current = made;
      setSending({ phase: "connecting", bitrate: 0, fps: 0, loss: 0, roundTripMs: null, limit: "", limitedS: 0 });
      try {
        await made.start();
      } catch (refused) {
        end();
        throw refused;
      }
    });

  const scenes: [Scene, Key, ReactNode][] = [
    ["camera", "camera.scene.camera", <Camera key="c" size={18} aria-hidden />],
    ["screen", "camera.scene.screen", <MonitorUp key="s" size={18} aria-hidden />],
    ["both", "camera.scene.both", <ScreenShare key="b" size={18} aria-hidden />],
  ];
  const named = (list: MediaDeviceInfo[], word: Key): [string, string][] => [
    ["", t("camera.device.default")],
    ...list.map((device, index): [string, string] => [device.deviceId, device.label || t(word, { n: index + 1 })]),
  ];
  return (
    <div className="grid gap-x-8 gap-y-6 lg:grid-cols-[minmax(0,1.35fr)_minmax(0,1fr)]">
      <section className="flex min-w-0 flex-col gap-3.5">
        <Picture capture={capture} obstacle={obstacle} mirrored={mirrored && next.scene === "camera"} sending={sending} onOpen={() => setChoice({ ...next })} />
        {capture && (
          <>
            <div className="flex items-center gap-2">
              <IconButton label={t(silent ? "camera.unmute" : "camera.mute")} aria-pressed={silent} onClick={() => setSilent(!silent)} className={classes(silent && "bg-live-soft text-live")}>
                {silent ? <MicOff size={20} aria-hidden /> : <Mic size={20} aria-hidden />}
              </IconButton>
              <span className="min-w-0 flex-1">
                <Level capture={capture} />
              </span>
              {next.scene === "camera" && (
                <IconButton label={t("camera.mirror")} aria-pressed={mirrored} onClick={() => setMirrored(!mirrored)}>
                  <FlipVertical2 size={20} aria-hidden />
                </IconButton>
              )}
            </div>
            <div className="flex flex-wrap items-center gap-3">
              {onAir ? (
                <Button look="live" icon={<Square size={16} aria-hidden />} onClick={end}>
                  {t("camera.end")}
                </Button>
              ) : (
                <>
                  <Button look="live" icon={<RadioTower size={18} aria-hidden />} disabled={busy || elsewhere} onClick={() => void start()}>
                    {t("camera.start")}
                  </Button>
                  <Button look="quiet" onClick={shut}>
                    {t("camera.off")}
                  </Button>
                </>
              )}
              {elsewhere && <p className="text-s text-ink-2">{t("camera.elsewhere")}</p>}
            </div>
          </>
        )}
        <FormError>{error ? (error instanceof WhipRefused ? t("camera.refused", { why: sayError(t, error) }) : sayError(t, error)) : null}</FormError>
        {sending && <Figures sending={sending} />}
        {onAir && health}
      </section>
      <div className="flex min-w-0 flex-col gap-4">
        {canShareScreen() && (
          <fieldset>
            <legend className="mb-1.5 text-m font-semibold">{t("camera.scene")}</legend>
            <div className="flex gap-1 rounded-m bg-surface p-1">
              {scenes.map(([scene, word, icon]) => (
                <button
                  key={scene}
                  type="button"
                  aria-pressed={next.scene === scene}
                  onClick={() => change({ scene })}
                  className={classes("inline-flex h-11 min-w-0 flex-1 items-center justify-center gap-1.5 rounded-[7px] px-1 text-m font-semibold md:h-[34px]", next.scene === scene ? "bg-raised text-ink" : "text-ink-2")}
                >
                  {icon}
                  <span className="truncate">{t(word)}</span>
                </button>
              ))}
            </div>
          </fieldset>
        )}
        {next.scene !== "screen" && (
          <SelectField label={t("camera.camera")} value={next.camera} options={named(devices.cameras, "camera.camera.n")} onPick={(camera) => change({ camera })} />
        )}
        <SelectField label={t("camera.microphone")} value={next.microphone} options={named(devices.microphones, "camera.microphone.n")} onPick={(microphone) => change({ microphone })} />
        <div className="grid grid-cols-2 gap-3">
          <SelectField label={t("camera.size")} value={String(next.height)} options={HEIGHTS.map((height) => [height, `${height}p`])} onPick={(height) => change({ height: Number(height) })} />
          <SelectField label={t("camera.bitrate")} value={kbits} options={BITRATES.map((each) => [each, bitrate(Number(each) * 1000)])} onPick={setKbits} />
        </div>
        <p className="text-s text-ink-2">{t("camera.hint")}</p>
      </div>
      {dialog}
    </div>
  );
}

type PictureProps = { capture: Capture | null; obstacle: Obstacle | null; mirrored: boolean; sending: Sending | null; onOpen: () => void };

/** What is being sent, as the broadcaster sees it; or how to begin. */
function Picture({ capture, obstacle, mirrored, sending, onOpen }: PictureProps) {
  const t = useT();
  const show = useCallback(
    (video: HTMLVideoElement | null) => {
      if (!video || !capture) return;
      // Without the sound: nobody wants to hear themselves.
      video.srcObject = new MediaStream(capture.output.getVideoTracks());
      void video.play().catch(() => undefined);
    },
    [capture],
  );
  return (
    <div role="region" aria-label={t("camera.preview")} className="relative aspect-video w-full overflow-hidden rounded-l bg-black text-white">
      {capture ? (
        <video ref={show} muted playsInline className={classes("size-full object-contain", mirrored && "-scale-x-100")} />
      ) : (
        <div className="dusk absolute inset-0 grid place-items-center p-5 text-center">
          <div className="flex max-w-[44ch] flex-col items-center">
            {obstacle ? <TriangleAlert size={32} aria-hidden /> : <Camera size={32} aria-hidden />}
            <p role={obstacle ? "alert" : undefined} className="mt-3 text-m text-white/90">
              {t(obstacle ? `camera.obstacle.${obstacle}` : "camera.empty")}
            </p>
            <Button look="primary" className="mt-4 bg-white! text-black!" onClick={onOpen}>
              {t(obstacle ? "camera.again" : "camera.open")}
            </Button>
          </div>
        </div>
      )}
      {sending?.phase === "live" && (
        <span className="absolute top-3 left-3">
          <LiveBadge />
        </span>
      )}
      {sending && sending.phase !== "live" && (
        <span role="status" className="on-picture absolute top-3 left-3">
          {t(sending.phase === "lost" ? "camera.lost" : "camera.connecting")}
        </span>
      )}
    </div>
  );
}

/** The way to the server, in numbers, and what holds it back. */
function Figures({ sending }: { sending: Sending }) {
  const t = useT();
  const figures: [string, string][] = [
    [t("figure.bitrate"), bitrate(sending.bitrate)],
    [t("figure.fps"), t("figure.fps.value", { n: Math.round(sending.fps) })],
    [t("camera.roundtrip"), sending.roundTripMs === null ? "–" : `${Math.round(sending.roundTripMs)} ms`],
    [t("camera.loss"), `${(sending.loss * 100).toFixed(1)} %`],
  ];
  return (
    <>
      <dl className="grid grid-cols-2 gap-px overflow-hidden rounded-m bg-line sm:grid-cols-4">
        {figures.map(([name, value]) => (
          <div key={name} className="bg-surface px-3.5 py-3">
            <dt className="text-xs text-ink-2">{name}</dt>
            <dd className="num text-[1.1875rem] font-semibold tracking-tight">{value}</dd>
          </div>
        ))}
      </dl>
      {sending.limitedS >= LIMITED_S && <p className="rounded-m bg-warn-soft px-4 py-3 text-m">{t(sending.limit === "cpu" ? "camera.limit.cpu" : "camera.limit.bandwidth")}</p>}
    </>
  );
}
