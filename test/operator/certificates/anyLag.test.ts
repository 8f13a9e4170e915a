import { X509Certificate } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { renewChain, type Chain, type ChainSpec } from "../../../operator/certificates/chain.ts";

const hour = 3600;
const day = 24 * hour;
const year = 365 * day;
const propagationSeconds = 120;
const epoch = Date.UTC(2026, 0, 1) / 1000;

/** Versions of a text, and when each was written, in seconds of true time. */
interface Written {
  readonly text: string;
  readonly at: number;
}

/** What a reader that is `lag` seconds behind has. */
function readAt(versions: readonly Written[], time: number): string | undefined {
  return versions.findLast(({ at }) => at <= time)?.text;
}

/** A bridge's chain with two leaves; time is true seconds, the operator's clock may be wrong. */
class World {
  time = 0;
  clockOffset = 0;
  names = ["gateway.physics.svc"];
  boot = 0;
  readonly steps = new Set<string>();
  readonly #bundles: Written[] = [];
  readonly #leaves: Written[] = [];
  #authority: Chain["authority"] = {};

  /** @param stopAfter how many of the three writes are done */
  async operate(stopAfter = 3): Promise<void> {
    const leaf = this.#leaves.at(-1)?.text;
    const spec: ChainSpec = {
      name: "QRNG Bridge lab servers",
      usage: "server",
      leaves: { gateway: this.names },
      certificateSeconds: day,
    };
    const chain = await renewChain({
      stored: {
        authority: this.#authority,
        leaves: leaf === undefined ? {} : { gateway: JSON.parse(leaf) },
        bundles: this.#bundles.slice(-1).map(({ text }) => text),
      },
      spec,
      propagationSeconds,
      now: {
        wall: (epoch + this.time + this.clockOffset) * 1000,
        moment: { boot: `boot-${this.boot}`, seconds: this.time + 100 },
      },
    });
    const writes = [
      () => (this.#authority = chain.authority),
      () => this.#write(this.#bundles, chain.bundle),
      () => this.#write(this.#leaves, JSON.stringify(chain.leaves["gateway"])),
    ];
    for (const write of writes.slice(0, stopAfter)) write();
    for (const { reason } of chain.steps) this.steps.add(reason);
  }

  #write(versions: Written[], text: string): void {
    if (versions.at(-1)?.text !== text) versions.push({ text, at: this.time });
  }

  /** Every reader may be anywhere between now and propagationSeconds ago. */
  expectTrusted(): void {
    const shown = this.#seen(this.#leaves).map(
      (text) => new X509Certificate((JSON.parse(text) as { "tls.crt": string })["tls.crt"]),
    );
    const now = new Date((epoch + this.time) * 1000);
    for (const bundle of this.#seen(this.#bundles)) {
      const authorities = splitPem(bundle).map((pem) => new X509Certificate(pem));
      for (const leaf of shown) {
        const issuer = authorities.find((ca) => leaf.verify(ca.publicKey));
        expect(issuer, "an issuer in the bundle").toBeDefined();
        for (const { validFromDate, validToDate } of [leaf, issuer!]) {
          expect(validFromDate <= now && now < validToDate, "valid now").toBe(true);
        }
      }
    }
  }

  #seen(versions: readonly Written[]): string[] {
    const since = Math.max(0, this.time - propagationSeconds + 1);
    const later = versions.filter(({ at }) => at > since).map(({ text }) => text);
    return [readAt(versions, since)!, ...later];
  }
}

function splitPem(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
}

type Event =
  | { readonly kind: "pass"; readonly seconds: number }
  | { readonly kind: "stop"; readonly after: number }
  | { readonly kind: "clock"; readonly offset: number }
  | { readonly kind: "move" | "rename" };

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("pass" as const),
      seconds: fc.oneof(fc.nat(200), fc.nat(4 * hour)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("stop" as const), after: fc.nat(2) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("clock" as const),
      offset: fc.constantFrom(0, 0, 0, -hour / 2, hour / 2, day, 5 * day, year, -year),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ kind: "move" as const }, { kind: "rename" as const }) },
);

test("whoever lags, whatever leaf a server shows is trusted and valid", async () => {
  const happened = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { minLength: 40, maxLength: 80, size: "max" }),
      async (events) => {
        const world = new World();
        await world.operate();
        let wrongSince: number | undefined;
        for (const event of events) {
          if (event.kind === "pass") world.time += event.seconds;
          if (event.kind === "stop") await world.operate(event.after);
          if (event.kind === "move") world.boot += 1;
          if (event.kind === "rename") world.names = [`gateway-${world.time}.physics.svc`];
          if (event.kind === "clock") world.clockOffset = event.offset;
          // A clock that is a year behind for as long as a leaf lives cannot be noticed.
          if (Math.abs(world.clockOffset) < day) wrongSince = undefined;
          else wrongSince ??= world.time;
          if (wrongSince !== undefined && world.time - wrongSince > 4 * hour) world.clockOffset = 0;
          await world.operate();
          world.expectTrusted();
        }
        // A quiet month, so that authorities change as well.
        world.clockOffset = 0;
        for (let step = 0; step < 60; step++) {
          world.time += step % 2 === 0 ? 7 * hour : 130;
          await world.operate();
          world.expectTrusted();
        }
        for (const step of world.steps) happened.set(step, (happened.get(step) ?? 0) + 1);
      },
    ),
    { numRuns: 15, endOnFailure: true },
  );
  for (const step of ["AuthorityPublished", "AuthoritySwitched", "AuthorityRetired"]) {
    expect(happened.get(step), step).toBeGreaterThan(10);
  }
});
