/** What text may stay in a log line: all but what looks like a secret, whoever logs it. */
export const masked = "[redacted]";

const maxText = 1024;
/** Tokens by what announces them, PEM, dumps of bytes. */
const announced = [
  /(?<=\b(?:bearer|basic)\s+)\S+/gi,
  /(?<=\b(?:api_?key|token|password|secret)(?:=|["']\s*:\s*))\S+/gi,
  /-----BEGIN [^]*/g,
  /(?:\b[0-9a-fA-F]{2}[ ,]+){8,}[0-9a-fA-F]{0,2}/g,
];
/** Hex or base64, with the lines that continue it. */
const longRun = /(?:[0-9a-fA-F]{32,}|[A-Za-z0-9+/_-]{40,}={0,2})(?:\r?\n[A-Za-z0-9+/_-]+={0,2})*/g;
/** Words between slashes; random base64 is never all in lower case over such a length. */
const pathShape = /^\/?(?:[A-Z]?[a-z0-9_-]{1,24}\/)+[A-Z]?[a-z0-9_-]{0,24}$/;
const hexShape = /[0-9a-fA-F]{32}/;
/** Bytes that somebody took for text: control characters but white space, and what is no UTF-8. */
const binaryShape = /[^\P{Cc}\t\n\r]|\ufffd/u;

export function safeText(text: string): string {
  if (binaryShape.test(text)) return masked;
  return announced
    .reduce((rest, shape) => rest.replace(shape, masked), shorten(text))
    .replace(longRun, (run) => (isPath(run) ? run : masked));
}

/** As safeText, for what is long and public: paths, URLs, digests. */
export function publicText(text: string): string {
  if (binaryShape.test(text)) return masked;
  return shorten(text).replace(/(?<=\/\/)[^/@\s]*@|[?#].*$/gs, masked);
}

/** Without the run that the cut goes through: the rest of a secret would no longer look like one. */
function shorten(text: string): string {
  if (text.length <= maxText) return text;
  return `${text.slice(0, maxText).replace(/[A-Za-z0-9+/_=-]*$/, "")}…`;
}

function isPath(run: string): boolean {
  return pathShape.test(run) && !hexShape.test(run);
}
