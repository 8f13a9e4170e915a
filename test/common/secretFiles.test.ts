import { chmod, mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { ConfigError } from "../../common/errors.ts";
import { readPair, readPublicFile, readSecretFile } from "../../common/secretFiles.ts";
import { makeFolder } from "../helpers/folder.ts";

const secret = "do-not-show-me-0123456789";

test.each([0o600, 0o400, 0o440, 0o640, 0o660])(
  "a secret file of mode 0%o is read",
  async (mode) => {
    await using folder = await makeFolder();
    await writeFile(folder.at("secret"), ` \n${secret}\r\n\n`);
    await chmod(folder.at("secret"), mode);
    expect(await readSecretFile(folder.at("secret"))).toBe(secret);
  },
);

test.each([0o644, 0o604, 0o444, 0o666])(
  "one of mode 0%o is refused: all can read it",
  async (mode) => {
    await using folder = await makeFolder();
    await writeFile(folder.at("secret"), secret);
    await chmod(folder.at("secret"), mode);
    const error = await refusalOf(readSecretFile(folder.at("secret")));
    expect(error.message).toBe(
      `${folder.at("secret")}: readable by everybody; run: chmod o-r ${folder.at("secret")}`,
    );
  },
);

test("the mode that counts is that of the file behind a link", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("open"), secret, { mode: 0o644 });
  await writeFile(folder.at("closed"), secret, { mode: 0o600 });
  await symlink("open", folder.at("to-open"));
  await symlink("closed", folder.at("to-closed"));
  await refusalOf(readSecretFile(folder.at("to-open")));
  expect(await readSecretFile(folder.at("to-closed"))).toBe(secret);
});

test("a file that is missing, or is a folder, is named with the reason", async () => {
  await using folder = await makeFolder();
  await mkdir(folder.at("folder"), { mode: 0o700 });
  for (const read of [readSecretFile, readPublicFile]) {
    const missing = await refusalOf(read(folder.at("missing")));
    expect(missing.message).toBe(`${folder.at("missing")}: cannot be read (ENOENT)`);
    const wrong = await refusalOf(read(folder.at("folder")));
    expect(wrong.message).toBe(`${folder.at("folder")}: cannot be read (EISDIR)`);
  }
});

test("a public file may be read by all and is given as it is", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("ca.pem"), " PEM\n", { mode: 0o644 });
  expect(await readPublicFile(folder.at("ca.pem"))).toBe(" PEM\n");
});

test("a certificate and its key from two folders", async () => {
  await using folder = await makeFolder();
  await mkdir(folder.at("a"));
  await mkdir(folder.at("b"));
  await writeFile(folder.at("a", "tls.crt"), "certificate", { mode: 0o644 });
  await writeFile(folder.at("b", "tls.key"), "key", { mode: 0o600 });
  expect(await readPair(folder.at("a", "tls.crt"), folder.at("b", "tls.key"))).toEqual({
    certificate: "certificate",
    key: "key",
  });
});

test("a key that all can read is refused in a pair too", async () => {
  await using folder = await makeFolder();
  await writeFile(folder.at("tls.crt"), "certificate");
  await writeFile(folder.at("tls.key"), "key", { mode: 0o644 });
  await refusalOf(readPair(folder.at("tls.crt"), folder.at("tls.key")));
});

test("swaps like those of Kubernetes never pair an old certificate with a new key", async () => {
  await using folder = await makeFolder();
  const swap = async (generation: number): Promise<void> => {
    const data = `..generation-${generation}`;
    await mkdir(folder.at(data));
    await writeFile(folder.at(data, "tls.crt"), `${generation}`, { mode: 0o644 });
    await writeFile(folder.at(data, "tls.key"), `${generation}`, { mode: 0o640 });
    await symlink(data, folder.at("..data_tmp"));
    await rename(folder.at("..data_tmp"), folder.at("..data"));
  };
  await swap(0);
  await symlink("..data/tls.crt", folder.at("tls.crt"));
  await symlink("..data/tls.key", folder.at("tls.key"));

  const seen = new Set<string>();
  let swapping = true;
  const reader = (async () => {
    while (swapping) {
      const { certificate, key } = await readPair(folder.at("tls.crt"), folder.at("tls.key"));
      expect(certificate).toBe(key);
      seen.add(key);
    }
  })();
  for (let generation = 1; generation <= 200; generation++) await swap(generation);
  swapping = false;
  await reader;
  expect(seen.size).toBeGreaterThan(1);
});

async function refusalOf(reading: Promise<unknown>): Promise<ConfigError> {
  const error: unknown = await reading.then(
    () => expect.fail("accepted"),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).message).not.toContain(secret);
  return error as ConfigError;
}
