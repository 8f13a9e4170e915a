import { z } from "zod";
import {
  attemptLimit,
  codePattern,
  outcomes,
  type Report,
  reportLimit,
} from "../../common/probe/report.ts";

const failed = z.templateLiteral(["failed ", z.string().regex(codePattern)]);
const address = z.union([z.ipv4(), z.ipv6()]);
const seconds = z.int().min(0).max(3600);

const schema = z.strictObject({
  version: z.literal(1),
  hosts: z.strictObject({ dns: address.optional(), "api-server": address.optional() }),
  results: z.array(z.tuple([z.union([z.enum(outcomes), failed]), seconds])).max(attemptLimit),
});

/**
 * Whoever may write a pod's status may write its termination message, so nothing in it is taken
 * unless it has exactly this form.
 * @param attempts how many the pod was given
 */
export function parseReport(text: string, attempts: number): Report | undefined {
  if (text.length > reportLimit) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = schema.safeParse(value);
  return parsed.success && parsed.data.results.length === attempts ? parsed.data : undefined;
}
