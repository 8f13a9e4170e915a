import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { apiKey, fill, startTestGateway } from "../gateway/helpers/gateway.ts";
import { runTool } from "./tool.ts";

interface Session {
  readonly command: string;
  /** As the page shows it. */
  readonly output: string;
}

/** Every `$ command` of a page's console blocks, with the lines below it. */
async function sessionsOf(path: string): Promise<Session[]> {
  const page = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  const text = await readFile(page, "utf8");
  const blocks = [...text.matchAll(/^```console\n(.*?)^```$/gms)].map(([, block = ""]) => block);
  return blocks.flatMap((block) =>
    block
      .split(/^\$ /m)
      .slice(1)
      .map((session) => {
        // A command goes on behind a backslash.
        const [command = ""] = /^(?:.*\\\n)*.*\n/.exec(session) ?? [];
        return { command: command.trimEnd(), output: session.slice(command.length).trimEnd() };
      }),
  );
}

/**
 * What does not change with the bytes: the types of JSON, also in an event stream; the whole of a
 * problem; the form of a text.
 */
function formOf(output: string): unknown {
  return output.split("\n").map((line) => {
    const json = /^(?:data: )?([[{].*)$/.exec(line)?.[1];
    if (json !== undefined && isJson(json)) return typesOf(JSON.parse(json));
    return line
      .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "UUID")
      .replaceAll(/\b[0-9a-f]{16,}\b/g, (hex) => `${hex.length} hex`)
      .replaceAll(/[A-Za-z0-9+/]{22}==/g, "base64");
  });
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function typesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(typesOf);
  if (typeof value !== "object" || value === null) return typeof value;
  if ("code" in value) return value;
  return Object.fromEntries(Object.entries(value).map(([name, of]) => [name, typesOf(of)]));
}

test.each([
  ["gateway/README.md", 30],
  ["docs/mcp.md", 1],
])("every command of %s answers as it shows", async (path, least) => {
  const named = { old: "old-key-0123456789abcdef", trial: "trial-key-0123456789abcdef" };
  await using gateway = await startTestGateway({
    api_keys: [
      { name: "test", key: apiKey },
      { name: "old", key: named.old, expires: "2020-01-01T00:00:00Z" },
      { name: "trial", key: named.trial, daily_bytes: "16B" },
    ],
    buffer_size: "1MiB",
    push: { window: { future: 0 } },
  });
  await fill(gateway, randomBytes(500_000));
  const env = { API: gateway.api, KEY: apiKey, OLD: named.old, TRIAL: named.trial };
  const sessions = await sessionsOf(path);
  expect(sessions.length).toBeGreaterThanOrEqual(least);
  for (const { command, output: shown } of sessions) {
    // As `curl --silent`: it shows how far it is whenever its output is no terminal.
    const silent = command.replace(/\bcurl /, "curl -s ");
    const { output } = await runTool("sh", ["-c", silent], { install: "a shell", env });
    expect(formOf(output.trimEnd()), command).toEqual(formOf(shown));
  }
});
