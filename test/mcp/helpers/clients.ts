import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { fileURLToPath } from "node:url";
import { apiKey, type TestGateway } from "../../gateway/helpers/gateway.ts";

/** The protocol's eras, by the revision that a client speaks. */
export const eras = ["2025-11-25", "2026-07-28"] as const;
export type Era = (typeof eras)[number];

export type TestClient = Client & AsyncDisposable;

export const mcpProgram = fileURLToPath(new URL("../../../mcp/main.ts", import.meta.url));

/** The SDK's own client at a gateway's /mcp. */
export async function connectHttp(
  gateway: TestGateway,
  era: Era,
  key: string = apiKey,
): Promise<TestClient> {
  const requestInit = { headers: { authorization: `Bearer ${key}` } };
  const url = new URL("/mcp", gateway.api);
  return connect(era, new StreamableHTTPClientTransport(url, { requestInit }));
}

/** The SDK's own client at the stdio program, a real process. */
export async function connectStdio(
  era: Era,
  { env }: { env: Record<string, string> },
): Promise<TestClient> {
  const command = process.execPath;
  return connect(
    era,
    new StdioClientTransport({ command, args: [mcpProgram], env, stderr: "ignore" }),
  );
}

/** Every way in: a client of each era, over HTTP and over stdio. */
export const ways = eras.flatMap((era) => [
  { name: `HTTP, ${era}`, connect: (gateway: TestGateway) => connectHttp(gateway, era) },
  {
    name: `stdio, ${era}`,
    connect: ({ api }: TestGateway) =>
      connectStdio(era, { env: { QRNG_BRIDGE_URL: api, QRNG_BRIDGE_API_KEY: apiKey } }),
  },
]);

async function connect(
  era: Era,
  transport: StreamableHTTPClientTransport | StdioClientTransport,
): Promise<TestClient> {
  const mode = era === "2025-11-25" ? "legacy" : { pin: era };
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  await client.connect(transport);
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** What a call gave: the client has checked it against the tool's schema. */
export async function call<Value>(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<Value> {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: args });
  const text = textOf(content);
  if (isError === true) throw new Error(`${name} failed: ${text}`);
  if (text !== JSON.stringify(structuredContent)) throw new Error(`${name}: its texts differ`);
  return structuredContent as Value;
}

/** What a call that failed says, as text. */
export async function failure(
  client: Client,
  name: string,
  args: Record<string, unknown> = {},
): Promise<string> {
  const { isError, content, structuredContent } = await client.callTool({ name, arguments: args });
  if (isError !== true || structuredContent !== undefined) throw new Error(`${name} did not fail`);
  return textOf(content);
}

/** The problem that a call failed with. */
export async function problem(...args: Parameters<typeof failure>): Promise<unknown> {
  return JSON.parse(await failure(...args)) as unknown;
}

function textOf([first]: Awaited<ReturnType<Client["callTool"]>>["content"]): string {
  return first?.type === "text" ? first.text : "";
}
