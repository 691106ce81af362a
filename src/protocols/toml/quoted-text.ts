const shownMax = 60;

/**
 * Text from outside as it may stand in a message on a terminal: short, on one line, and without
 * what would move the cursor or turn the direction of the line around.
 */
export function quotedText(text: string): string {
  const short = text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
  return JSON.stringify(short).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (sign) => {
    const code = (sign.codePointAt(0) ?? 0).toString(16).padStart(4, "0");
    return `\\u{${code}}`;
  });
}
