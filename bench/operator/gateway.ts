import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { State } from "../../gateway/state.ts";

/** Answers as a gateway's management port does, to whoever started it and asks. */
const state: State = {
  key_ids: ["0123456789abcdef", "fedcba9876543210"],
  last_pushes: ["0123456789abcdef", "fedcba9876543210"].map((key_id) => {
    return { key_id, last_push: "2026-01-02T03:04:05.678Z" };
  }),
  clock_skew_seconds: null,
  last_data_received: "2026-01-02T03:04:05.678Z",
  buffer_bytes_available: 8_000_000,
  buffer_bytes_capacity: 16_777_216,
  status: "healthy",
};
const server = createServer((_, answer) => {
  answer.setHeader("content-type", "application/json; charset=utf-8").end(JSON.stringify(state));
});
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.once("disconnect", () => process.exit());
