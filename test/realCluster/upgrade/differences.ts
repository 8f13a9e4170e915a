export interface Difference {
  /** Relative to the root. */
  readonly file: string;
  /** Is there once. */
  readonly today: string;
  readonly earlier: string;
}

/**
 * What the earlier release has otherwise. None was ever published, so this one is made: today's
 * checkout with these texts changed, from which its definition, chart and images are built. Each
 * of its parsers is as strict as today's: it refuses what came later.
 */
export const differences: readonly Difference[] = [
  // The definition: no gateway.overflow, and another default.
  {
    file: "operator/bridge/gateway.ts",
    today: `  overflow: choice(["Reject", "DiscardOldest"]).optional().meta({
    description: "what a full buffer does with a packet",
    example: "Reject",
    fallback: "Reject",
  }),
`,
    earlier: "",
  },
  { file: "operator/build/gatewayConfig.ts", today: "overflow: gateway.overflow,", earlier: "" },
  {
    file: "operator/bridge/signing.ts",
    today: 'max: 604_800 }, "seconds").default(3600)',
    earlier: 'max: 604_800 }, "seconds").default(1800)',
  },
  // The gateway's config: no push.state_file.
  {
    file: "operator/build/gatewayConfig.ts",
    today: "state_file: facts.push.stateFile,",
    earlier: "",
  },
  {
    file: "gateway/config.ts",
    today: `  state_file: file()
    .optional()
    .describe(
      "remembers how far signed times have gone, so that no clock step across a restart lets a packet in twice",
    ),
`,
    earlier: "",
  },
  // The key ring: keys have no use; all sign for one gateway.
  {
    file: "common/keys/keyRing.ts",
    today: `        use: z.enum(["bound", "unbound"]).default("bound"),
        notAfter: z.string().optional(),
      }),`,
    earlier: `        notAfter: z.string().optional(),
      }).transform((entry) => ({ ...entry, use: "bound" })),`,
  },
  {
    file: "operator/signing/book.ts",
    today: "value.keys.map(({ id, key, use }) => ({ id, key, use }))",
    earlier: "value.keys.map(({ id, key }) => ({ id, key }))",
  },
];
