// How numbers are written, and what is said of kinds and facts: as words.py does both. numbers.json and said.json hold
// examples, which both are tested on; words.json is made from words.py.
import catalogue from "../words.json";

type Known = number | null | undefined;

const NONE = "not finite";
const [TINY, HUGE] = [1e-4, 1e15]; // beyond which a number is written with an exponent

// A number in its unit: $221,900, 1,180 sqft, 47.51°, 0.03125. It has so many significant digits, and whatever stands
// before the decimal point. In a unit, it has no decimals from 1,000 up, and dollars have two or none; without one,
// thousands are parted from five digits on, since 1955 may be a year.
export function number(value: Known, digits = 4, unit = ""): string {
  if (!isFinite(value)) return NONE;
  const exact = Math.abs(value);
  let size = exact;
  const decimals = digits - 1 - Math.floor(Math.log10(size));
  if (size >= TINY / 10 && size < 10 ** digits) size = Number(rounded(size, decimals));
  let text = size < 10_000 ? String(size) : parts.format(size);
  if (size >= HUGE || (size > 0 && size < TINY)) text = exponent(exact, Math.min(digits, 4));
  else if (size >= 10 ** digits || (unit && size >= 1000)) {
    text = rounded(exact, 0);
    if (unit || size >= 10_000) text = count(Number(text));
  } else if (unit === "$" && size >= 1 && !Number.isInteger(size)) text = rounded(exact, 2); // $9.073 would be read as thousands
  text = `${value < 0 ? "−" : ""}${unit === "$" ? unit : ""}${text}`;
  return unit === "" || unit === "$" ? text : `${text}${unit === "°" || unit === "%" ? "" : " "}${unit}`;
}

export const signed = (value: number, digits?: number): string => (value > 0 ? "+" : "") + number(value, digits);

export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

// A number with so many decimals, for columns and for what moves; 3.1e−8 where it would be rounded to 0.
export function fixed(value: Known, decimals = 4): string {
  if (!isFinite(value)) return NONE;
  const [size, least] = [Math.abs(value), 0.5 * 10 ** -decimals];
  const small = size > 0 && size < least;
  const text = small || size >= 1e9 ? exponent(size, 2) : parted(rounded(size, decimals));
  return `${value < 0 && (small || Number(rounded(size, decimals))) ? "−" : ""}${text}`;
}

// A share in percent; 0% and 100% are said of nothing else.
export function percent(share: Known, decimals = 1): string {
  if (!isFinite(share)) return NONE;
  const least = (0.5 * 10 ** -decimals) / 100;
  if (share > 0 && share < least) return `<${10 ** -decimals}%`;
  if (share > 1 - least && share < 1) return `>${100 - 10 ** -decimals}%`;
  return `${share < 0 ? "−" : ""}${rounded(Math.abs(100 * share), decimals)}%`;
}

// A predicted probability, which is never 0 or 1, though its arithmetic may have rounded it.
export const chance = (p: Known): string => percent(isFinite(p) ? Math.min(Math.max(p, 1e-9), 1 - 1e-9) : p);

// Made once: to make them takes longer than to use them.
const [whole, parts] = [new Intl.NumberFormat("en-US"), new Intl.NumberFormat("en-US", { maximumFractionDigits: 15 })];

// So many, of something: 12,345; 1 row; 3 classes.
export function count(n: number, noun = ""): string {
  const text = whole.format(n);
  if (!noun) return text;
  if (n === 1) return `1 ${noun}`;
  if (/[^aeiou]y$/.test(noun)) return `${text} ${noun.slice(0, -1)}ies`;
  return `${text} ${noun}${/(s|x|ch|sh)$/.test(noun) ? "es" : "s"}`;
}

const compact = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 });

// On an axis, where a unit but $ stands elsewhere: $500K, 1.5M, 0.3.
export function tick(value: number, unit = ""): string {
  const own = unit === "$" ? unit : "";
  if (Math.abs(value) < 10_000 || Math.abs(value) >= HUGE) return number(value, 12, own);
  return `${value < 0 ? "−" : ""}${own}${compact.format(Math.abs(value))}`;
}

// --- sentences ---------------------------------------------------------------------------------------------------

const WORDS: Record<string, string> = catalogue;
const PART = /\[\[(.*?)\]\]|\{(\w+)(?::(\w+) ?([^}]*))?\}/g;

type Facts = Readonly<Record<string, unknown>>;

export const kinds = (begun: string): string[] => Object.keys(WORDS).filter((kind) => kind.startsWith(begun));

export const known = (kind: string): boolean => kind in WORDS;

// The sentence of a kind, with its facts. A kind that the catalogue does not have is said by its own name.
export function say(kind: string, facts: Facts = {}): string {
  if (known(kind)) return filled(WORDS[kind]!, facts);
  const name = kind.slice(kind.lastIndexOf(".") + 1).replaceAll("_", " ");
  const rest = Object.entries(facts).map(([fact, value]) => `${fact} ${written(value)}`);
  return [name, rest.join(", ")].filter(Boolean).join(": ");
}

// What stands between [[ and ]] is said where all its facts are there.
export function filled(template: string, facts: Facts): string {
  return template.replace(PART, (_, optional?: string, fact = "", format = "", of = "") => {
    if (optional === undefined) return formatted(facts[fact], format, of, facts);
    const there = [...optional.matchAll(PART)].every((part) => (facts[part[2]!] ?? "") !== "");
    return there ? filled(optional, facts) : "";
  });
}

function formatted(value: unknown, format: string, of: string, facts: Facts): string {
  switch (format) {
    case "number":
      return /^\d/.test(of) ? number(value as Known, Number(of)) : number(value as Known, 4, of && String(facts[of]));
    case "fixed":
      return fixed(value as Known, of ? Number(of) : undefined);
    case "percent":
      return percent(value as Known, of ? Number(of) : undefined);
    case "chance":
      return chance(value as Known);
    case "count":
      return count(value as number, of);
    case "list":
      return (value as unknown[]).join(", ");
  }
  return String(value);
}

const written = (value: unknown): string => (typeof value === "number" ? number(value) : String(value));

// --- small things ------------------------------------------------------------------------------------------------

const isFinite = (value: Known): value is number => Number.isFinite(value);

// With so many decimals; what lies exactly between two goes to the even one, as in Python.
function rounded(size: number, decimals: number): string {
  const scaled = size * 10 ** decimals;
  const tied = scaled % 1 === 0.5 && Number.isInteger(size * 2 ** (decimals + 1)) && Math.floor(scaled) % 2 === 0;
  return (tied ? Math.floor(scaled) / 10 ** decimals : size).toFixed(decimals);
}

const parted = (text: string): string => text.replace(/^\d+/, (digits) => count(Number(digits)));

function exponent(size: number, digits: number): string {
  return size.toExponential(digits - 1).replace(/\.?0*e/, "e").replace("-", "−");
}
