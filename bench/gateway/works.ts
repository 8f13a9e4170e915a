/** What clients ask for in a bench, and what a server without any of our work would answer. */
export interface Work {
  readonly name: string;
  readonly path: string;
  /** Posted as JSON; the request is a GET without it. */
  readonly body?: object;
  /** Of the bare server. */
  readonly limit: { readonly bytes: number; readonly encoding: string; readonly pieces?: number };
  readonly connections: number;
  /** The least ratio to the limit that is aimed at. */
  readonly aim?: number;
  /** GB a second, in place of a ratio. */
  readonly aimedSpeed?: number;
}

const draw = (bytes: number, encoding: string, name: string): Work => ({
  name,
  path: `/api/random?bytes=${bytes}&encoding=${encoding}`,
  limit: { bytes, encoding },
  connections: 32,
  aim: 0.85,
});

export const small = draw(32, "hex", "GET 32 B hex");

const streamPieces = 256;
const streamPieceBytes = 65_536;

export const works: readonly Work[] = [
  small,
  draw(1_024, "hex", "GET 1 KiB hex"),
  draw(65_536, "binary", "GET 64 KiB binary"),
  draw(65_536, "hex", "GET 64 KiB hex"),
  draw(65_536, "base64", "GET 64 KiB base64"),
  {
    name: "GET /api/stream, 16 MiB",
    path: `/api/stream?bytes=${streamPieces * streamPieceBytes}`,
    limit: { bytes: streamPieceBytes, encoding: "binary", pieces: streamPieces },
    connections: 4,
    aimedSpeed: 1.5,
  },
  {
    name: "GET /api/integers?count=1000",
    path: "/api/integers?count=1000",
    limit: { bytes: 1_940, encoding: "hex" }, // as long as the answer
    connections: 32,
  },
  {
    name: "MCP get_random_bytes, 32 B",
    path: "/mcp",
    body: {
      jsonrpc: "2.0",
      id: 1,
      method: "tools/call",
      params: { name: "get_random_bytes", arguments: { bytes: 32 } },
    },
    limit: { bytes: 166, encoding: "hex" }, // as long as the answer
    connections: 32,
  },
];
