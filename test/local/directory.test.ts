import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parseKeyRing } from "../../common/keys/keyRing.ts";
import { openDirectory } from "../../local/directory.ts";
import { ensureApiKey, ensureKeyRing } from "../../local/keys.ts";
import { takeLock } from "../../local/lock.ts";
import { makeFolder } from "../helpers/folder.ts";

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

test("a folder is made for its owner only, with what is in it", async () => {
  await using folder = await makeFolder();
  const { root, logs, certificates, state } = await openDirectory(folder.at("deep", "dir"));
  for (const path of [root, logs, certificates, state]) expect(await modeOf(path)).toBe(0o700);
});

test("an empty folder is closed to others; one in use is refused as it is", async () => {
  await using folder = await makeFolder();
  await chmod(folder.path, 0o755);
  await openDirectory(folder.path);
  expect(await modeOf(folder.path)).toBe(0o700);

  await chmod(folder.path, 0o750);
  await expect(openDirectory(folder.path)).rejects.toThrow("others may enter it; run: chmod 700");
  expect(await modeOf(folder.path)).toBe(0o750);
});

test("what is no folder is refused", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("file"), "");
  await expect(openDirectory(folder.at("file", "sub"))).rejects.toThrow(
    "cannot be used (ENOTDIR); see --dir",
  );
});

test("the API key is made once, private, and kept", async () => {
  await using folder = await makeFolder();
  const path = folder.at("api-key");
  const key = await ensureApiKey(path);
  expect(key).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(await modeOf(path)).toBe(0o600);
  await chmod(path, 0o644);
  expect(await ensureApiKey(path)).toBe(key);
  expect(await modeOf(path)).toBe(0o600);
});

test("an API key that is none is not replaced behind the user's back, nor shown", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("api-key"), "too-short");
  const error = await ensureApiKey(folder.at("api-key")).catch((thrown: Error) => thrown);
  expect(String(error)).toContain("holds no API key; delete it to have a new one made");
  expect(String(error)).not.toContain("too-short");
});

test("the key ring is made once, gets its unbound key when asked for, and is kept", async () => {
  await using folder = await makeFolder();
  const path = folder.at("keyring.json");
  const read = async () => parseKeyRing(await readFile(path, "utf8"));
  await ensureKeyRing(path, { unbound: false });
  const first = await read();
  expect(first.keys.map(({ use }) => use)).toEqual(["bound"]);
  expect(first.signing.secret.symmetricKeySize).toBe(32);
  expect(await modeOf(path)).toBe(0o600);

  await ensureKeyRing(path, { unbound: true });
  const second = await read();
  expect(second.keys.map(({ use }) => use)).toEqual(["bound", "unbound"]);
  expect(second.signing.id).toBe(first.signing.id);
  expect(second.signing.secret.equals(first.signing.secret)).toBe(true);
  expect(second.keys[1]!.secret.equals(first.signing.secret)).toBe(false);

  const before = await stat(path, { bigint: true });
  await ensureKeyRing(path, { unbound: true });
  await ensureKeyRing(path, { unbound: false });
  expect((await stat(path, { bigint: true })).mtimeNs).toBe(before.mtimeNs);
});

const ring = (use: string) =>
  JSON.stringify({ version: 1, signing: "a", keys: [{ id: "a", key: "ab".repeat(32), use }] });

test.each(["{", "{}", ring("unbound")])("a key ring that is no use is told: %s", async (text) => {
  await using folder = await makeFolder();
  await writeFile(folder.at("keyring.json"), text, { mode: 0o600 });
  const ensured = ensureKeyRing(folder.at("keyring.json"), { unbound: false });
  await expect(ensured).rejects.toThrow("holds no usable key ring; delete it");
  expect(await readFile(folder.at("keyring.json"), "utf8")).toBe(text);
});

test("a folder is locked for one launcher, and given back", async () => {
  await using folder = await makeFolder();
  const path = folder.at("launcher.pid");
  const first = await takeLock(path);
  expect(first.takenOver).toBe(false);
  await expect(takeLock(path)).rejects.toThrow(`process ${process.pid} uses this folder`);
  await first[Symbol.asyncDispose]();
  await using again = await takeLock(path);
  expect(again.takenOver).toBe(false);
});

test("the lock of a process that is gone is taken over", async () => {
  await using folder = await makeFolder();
  const gone = spawn("true");
  await once(gone, "exit");
  await writeFile(folder.at("launcher.pid"), `${gone.pid}\n`);
  await using lock = await takeLock(folder.at("launcher.pid"));
  expect(lock.takenOver).toBe(true);
  expect(await readFile(folder.at("launcher.pid"), "utf8")).toBe(`${process.pid}\n`);
});

test("a lock that is just being written is respected", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("launcher.pid"), "");
  await expect(takeLock(folder.at("launcher.pid"))).rejects.toThrow(
    "another npm start uses this folder",
  );
  await rm(folder.at("launcher.pid"));
  await mkdir(join(folder.at("launcher.pid")));
  await expect(takeLock(folder.at("launcher.pid"))).rejects.toThrow("uses this folder");
});
