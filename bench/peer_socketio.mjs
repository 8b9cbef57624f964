// Socket.IO as a peer: node peer_socketio.mjs -- PORT. Needs the package socket.io where Node looks for it.
import { createRequire } from "node:module";
const { Server } = createRequire(import.meta.url)("socket.io");
if (process.argv[2] === "--check") process.exit(0);
const io = new Server(Number(process.argv[3]), { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("join", (room) => socket.join(room));
  socket.on("message", (room, data) => io.to(room).emit("message", data));
});
