// The marks in a stop's words.
export interface Piece {
  text: string;
  key?: boolean; // a key
  button?: boolean; // what stands on a button
  to?: string; // the selector of what it names
  after?: string; // the punctuation that stays with it
}

export function pieces(text: string): Piece[] {
  const parts = text.split(/(`[^`]*`|\*[^*]*\*|\[[^\]]*\]\([^)]*\))/);
  return parts.flatMap((part, i): Piece[] => {
    if (i % 2 === 0) {
      const rest = i > 0 ? part.replace(/^[.,:;]/, "") : part;
      return rest ? [{ text: rest }] : [];
    }
    const after = /^[.,:;]/.exec(parts[i + 1]!)?.[0];
    if (part.startsWith("`")) return [{ text: part.slice(1, -1), key: true, after }];
    if (part.startsWith("*")) return [{ text: part.slice(1, -1), button: true, after }];
    const named = /^\[(.*)\]\((.*)\)$/.exec(part)!;
    return [{ text: named[1]!, to: named[2]!, after }];
  });
}

export const plain = (text: string): string => pieces(text).map((piece) => piece.text + (piece.after ?? "")).join("");
