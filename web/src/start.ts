import "./ui/style.css";
import { beginPlayback } from "./player/begin";

/** First the picture, then the page around it. */
const root = document.getElementById("root");
if (root) void beginPlayback(root).then(async () => (await import("./main")).mount(root));
