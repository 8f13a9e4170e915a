// Run in the page: the texts that are seen, with too little contrast to what is behind them.
(() => {
  /** @param {string} color */
  const parse = (color) => {
    const [red = 0, green = 0, blue = 0, alpha = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
    return { channels: [red, green, blue], alpha };
  };
  /** @param {number[]} channels */
  const luminance = (channels) => {
    const [red = 0, green = 0, blue = 0] = channels.map((channel) => {
      const share = channel / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  /** @param {Element | null} element */
  const behind = (element) => {
    for (let at = element; at !== null; at = at.parentElement) {
      const { channels, alpha } = parse(getComputedStyle(at).backgroundColor);
      if (alpha === 1) return channels;
    }
    return [255, 255, 255];
  };
  return [...document.querySelectorAll("body *")].flatMap((element) => {
    const text = [...element.childNodes]
      .filter((node) => node.nodeType === Node.TEXT_NODE)
      .map((node) => node.textContent?.trim())
      .join("");
    const isSeen = element.checkVisibility() && element.closest(".unseen, noscript") === null;
    if (!isSeen || (text === "" && !element.matches("input, textarea, select"))) return [];
    const [one, other] = [parse(getComputedStyle(element).color).channels, behind(element)]
      .map((channels) => luminance(channels))
      .sort((a, b) => b - a);
    const ratio = ((one ?? 0) + 0.05) / ((other ?? 0) + 0.05);
    return ratio < 4.5 ? [`${element.tagName} ${text}: ${ratio.toFixed(2)}`] : [];
  });
})();
