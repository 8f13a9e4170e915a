const item = "qrng-bridge-key";

/** What a gateway takes as a key at all; anything else could not even be sent in a header. */
const form = /^[\x21-\x7e]{22,512}$/;

/**
 * @param {string} text
 * @returns {string | undefined} what is wrong with it
 */
export function keyProblem(text) {
  if (text === "") return "Enter an API key.";
  if (form.test(text)) return undefined;
  return "This is no API key: keys have 22 to 512 characters, without spaces or accents.";
}

/** The key of this tab; storage may be switched off, and then it lasts as long as the page. */
export function rememberedKey() {
  try {
    return sessionStorage.getItem(item) ?? undefined;
  } catch {
    return undefined;
  }
}

/** @param {string} key */
export function rememberKey(key) {
  try {
    sessionStorage.setItem(item, key);
  } catch {
    // Switched off: the page itself holds it.
  }
}

export function forgetKey() {
  try {
    sessionStorage.removeItem(item);
  } catch {
    // Switched off: nothing is there.
  }
}
