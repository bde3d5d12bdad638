// Talks to an echo server: `node websocket_client.mjs URL`. Prints a line of JSON for the test.

import WebSocket from "ws"

const MESSAGES = ["", "hello", "é".repeat(40000), Buffer.alloc(0), Buffer.alloc(70000, 0xff)]

const socket = new WebSocket(process.argv[2], {perMessageDeflate: process.argv[3] === "deflate"})
const wrong = []
let next = 0, pongs = 0

function send() {
    if (next === MESSAGES.length) {
        socket.close(4001, "done")
        return
    }
    socket.send(MESSAGES[next])
}

socket.on("open", () => {
    socket.ping("are you there?")
    send()
})
socket.on("pong", (data) => {
    pongs += data.toString() === "are you there?"
})
socket.on("message", (data, isBinary) => {
    const sent = MESSAGES[next]
    const same = isBinary ? data.equals(sent) : data.toString() === sent
    if (!same || isBinary !== (typeof sent !== "string")) {
        wrong.push(next)
    }
    next += 1
    send()
})
socket.on("close", (code, reason) => {
    const extensions = socket.extensions
    console.log(JSON.stringify({code, reason: reason.toString(), next, pongs, wrong, extensions}))
})
