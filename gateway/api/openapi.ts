import { z } from "zod";
import { problemType } from "../problem.ts";
import type { BoundRoute } from "./route.ts";

const problem = z.object({
  type: z.literal("about:blank"),
  title: z.string(),
  status: z.int(),
  code: z.string().describe("stable, for programs"),
  detail: z.string().describe("for people"),
});

const refusals: Readonly<Record<string, string>> = {
  "400": "A parameter is wrong; the detail names it.",
  "401": "The key is missing or unknown.",
  "403": "The key has expired.",
  "406": "None of the media types is accepted.",
  "429": "A limit of the key is reached; Retry-After says when it is not.",
  "503": "Fewer fresh bytes than asked for; none was taken.",
};

/** The API as OpenAPI 3.1, from the schemas that its routes parse and answer with. */
export function describeApi(routes: readonly BoundRoute[], version: string): object {
  return {
    openapi: "3.1.0",
    info: {
      title: "QRNG Bridge gateway",
      version,
      description: "Random bytes from quantum hardware, each served once.",
    },
    security: [{ bearer: [] }, { header: [] }],
    paths: Object.fromEntries(routes.map((route) => [route.path, describePath(route)])),
    components: {
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer" },
        header: { type: "apiKey", in: "header", name: "X-API-Key" },
      },
      schemas: { Problem: toSchema(problem) },
      responses: Object.fromEntries(
        Object.entries(refusals).map(([status, description]) => [
          `Refused${status}`,
          {
            description,
            content: { [problemType]: { schema: { $ref: "#/components/schemas/Problem" } } },
          },
        ]),
      ),
    },
  };
}

function describePath(route: BoundRoute): object {
  const operation = (method: string) => ({
    summary: route.summary,
    operationId: `${method.toLowerCase()}${route.path.replace(/\W+(\w)/g, (_, first: string) => first.toUpperCase())}`,
    parameters: describeParameters(route.query),
    responses: {
      "200": {
        description: route.summary,
        content: Object.fromEntries(
          Object.entries(route.gives).map(([type, schema]) => [type, { schema: toSchema(schema) }]),
        ),
      },
      ...Object.fromEntries(
        Object.keys(refusals).map((status) => [
          status,
          { $ref: `#/components/responses/Refused${status}` },
        ]),
      ),
    },
  });
  return Object.fromEntries(
    route.methods.map((method) => [method.toLowerCase(), operation(method)]),
  );
}

function describeParameters(query: z.ZodType): object[] {
  const { properties = {}, required = [] } = toSchema(query);
  const fields = query instanceof z.ZodObject ? query.shape : {};
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as { description?: string };
    const fallback = defaultOf(fields[name]);
    return {
      name,
      in: "query",
      required: required.includes(name),
      description,
      schema: fallback === undefined ? schema : { ...schema, default: fallback },
    };
  });
}

/** A default stands for the parsed value, which JSON Schema's generator leaves out of an input. */
function defaultOf(field: z.core.$ZodType | undefined): unknown {
  if (field instanceof z.ZodPipe) return defaultOf(field.in);
  if (!(field instanceof z.ZodDefault)) return undefined;
  const value: unknown = field.def.defaultValue;
  return typeof value === "bigint" ? Number(value) : value;
}

function toSchema(schema: z.ZodType): z.core.JSONSchema.BaseSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, {
    io: "input",
    unrepresentable: "any",
  });
  return rest;
}
