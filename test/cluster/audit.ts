import { z } from "zod";

const AuditEvent = z.object({
  stage: z.enum(["ResponseStarted", "ResponseComplete", "Panic"]),
  verb: z.string(),
  requestURI: z.string(),
  userAgent: z.string().optional(),
  /** Empty where the credentials were refused. */
  user: z.object({ username: z.string().optional() }),
  objectRef: z
    .object({
      resource: z.string().optional(),
      subresource: z.string().optional(),
      namespace: z.string().optional(),
      name: z.string().optional(),
      apiGroup: z.string().optional(),
    })
    .optional(),
  responseStatus: z.object({ code: z.number().optional() }).optional(),
  requestReceivedTimestamp: z.string(),
});

/**
 * A request to the API server at metadata level (audit.k8s.io/v1 Event). Each is there once as
 * ResponseComplete, soon after its answer; a watch also as ResponseStarted, when it begins.
 */
export type AuditEvent = z.infer<typeof AuditEvent>;

/** The last line may not be whole yet: it is left for the next look. */
export function parseAuditLog(text: string): AuditEvent[] {
  const whole = text.slice(0, text.lastIndexOf("\n") + 1);
  return whole
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => AuditEvent.parse(JSON.parse(line)));
}
