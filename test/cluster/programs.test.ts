import { execFile } from "node:child_process";
import { stat, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { makeFolder } from "../helpers/folder.ts";
import { program } from "./programs.ts";

const whatToInstall =
  /install Go 1\.26 or newer .* or set KUBEBUILDER_ASSETS to a folder with etcd/;

test("a program is built once, and anew when the pins have changed", async () => {
  await using root = await makeFolder();
  const env = { ...process.env, KUBEBUILDER_ASSETS: "", K8S_ROOT: root.path };
  const etcd = await program("etcd", env);
  const first = await stat(etcd);
  expect((await stat(await program("etcd", env))).ino).toBe(first.ino);
  await writeFile(`${etcd}.stamp`, "another version");
  expect((await stat(await program("etcd", env))).ino).not.toBe(first.ino);
});

test("KUBEBUILDER_ASSETS comes first, and is told when it has no servers", async () => {
  await using assets = await makeFolder();
  await using root = await makeFolder();
  const env = { PATH: "", KUBEBUILDER_ASSETS: assets.path, K8S_ROOT: root.path };
  await expect(program("kube-apiserver", env)).rejects.toThrow(
    `no kube-apiserver in ${assets.path}, which KUBEBUILDER_ASSETS names: install Go`,
  );
  await writeFile(assets.at("kube-apiserver"), "");
  expect(await program("kube-apiserver", env)).toBe(assets.at("kube-apiserver"));
  await expect(program("kube-controller-manager", env)).rejects.toThrow(whatToInstall);
});

test("without Go and without assets the suite fails and says what to install", async () => {
  await using root = await makeFolder();
  const vitest = ["node_modules/vitest/vitest.mjs", "run", "--config", "vitest.operator.config.ts"];
  const env = { PATH: "", K8S_ROOT: root.path };
  const run = promisify(execFile)(process.execPath, vitest, { env });
  await expect(run).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`^no etcd.*${whatToInstall.source}.*\n$`)),
  });
});
