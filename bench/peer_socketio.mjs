// Socket.IO as a peer: node peer_socketio.mjs PLACE PORT. PLACE is where the package socket.io was installed.
import { createRequire } from "node:module";

const [place, port] = process.argv.slice(2);
const { Server } = createRequire(`${place}/package.json`)("socket.io");
const io = new Server(Number(port), { transports: ["websocket"], perMessageDeflate: false });
io.on("connection", (socket) => {
  socket.on("join", (room) => socket.join(room));
  socket.on("message", (room, data) => io.to(room).emit("message", data));
});
