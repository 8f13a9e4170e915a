/**
 * The element of an id, which index.html has.
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const element = document.getElementById(id);
  if (!(element instanceof type)) throw new Error(`index.html has no #${id}`);
  return element;
}

/**
 * Sets a text, and leaves alone what has it already: a screen reader or a selection may be there.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * A new element with its texts and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} name
 * @param {...(string | Element)} children
 */
export function make(name, ...children) {
  const element = document.createElement(name);
  element.append(...children);
  return element;
}

/**
 * A description list with a row for each fact; the rows stay while the terms do.
 * @param {HTMLElement} list
 * @param {readonly (readonly [term: string, text: string])[]} facts
 */
export function setFacts(list, facts) {
  const terms = [...list.querySelectorAll("dt")].map((term) => term.textContent);
  if (facts.length !== terms.length || facts.some(([term], index) => term !== terms[index])) {
    list.replaceChildren(...facts.map(([term]) => make("div", make("dt", term), make("dd"))));
  }
  const texts = list.querySelectorAll("dd");
  facts.forEach(([, text], index) => {
    const element = texts[index];
    if (element !== undefined) setText(element, text);
  });
}

/** @typedef {"ok" | "warning" | "failing" | "unknown"} State */

/**
 * The picture of a state: a shape as well as a colour. What it says is said in words next to it.
 * @param {State} state
 */
export function shape(state) {
  const namespace = "http://www.w3.org/2000/svg";
  const picture = document.createElementNS(namespace, "svg");
  const use = document.createElementNS(namespace, "use");
  use.setAttribute("href", `#shape-${state}`);
  picture.classList.add("shape");
  picture.setAttribute("aria-hidden", "true");
  picture.setAttribute("data-state", state);
  picture.append(use);
  return picture;
}

/**
 * Says a text to screen readers, once.
 * @param {string} text
 */
export function announce(text) {
  byId("announcer", HTMLElement).textContent = text;
}
