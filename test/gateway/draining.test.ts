import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { draw, fill, startTestGateway } from "./helpers/gateway.ts";

test("a gateway that stops serves what it has, and lets each client go after its answer", async () => {
  const gateway = await startTestGateway({ shutdown_grace: 600_000 });
  await fill(gateway, randomBytes(100));
  const before = await draw(gateway, "?bytes=10");
  expect([before.status, before.headers.get("connection")]).toEqual([200, "keep-alive"]);
  await before.text();

  const stopped = gateway.stop();
  const meanwhile = await draw(gateway, "?bytes=10");
  expect([meanwhile.status, meanwhile.headers.get("connection")]).toEqual([200, "close"]);
  await meanwhile.text();
  const last = await draw(gateway, "?bytes=80");
  expect((await last.text()).length).toBe(160);
  await stopped; // and not in ten minutes
});
