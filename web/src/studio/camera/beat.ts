/** Inside the worker: say something every so many milliseconds. */
addEventListener("message", ({ data }: MessageEvent<number>) => {
  setInterval(() => postMessage(0), data);
});
