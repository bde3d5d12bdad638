// WebSocket echo over ws: `node bench/websocket_servers/ws_node.mjs 127.0.0.1 PORT`.
// The package is that of the tests: scripts/autobuild.sh test installs it.

import {createRequire} from "node:module"

const require = createRequire(new URL("../../tests/node/package.json", import.meta.url))
const {WebSocketServer} = require("ws")

const [host, port] = process.argv.slice(2)
const server = new WebSocketServer({host, port: Number(port), perMessageDeflate: false})
server.on("connection", (socket) => {
    socket.on("error", () => {})
    socket.on("message", (data, isBinary) => socket.send(data, {binary: isBinary}))
})
