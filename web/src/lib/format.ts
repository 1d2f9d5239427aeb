// Numbers as people read them. Whatever has a unit comes from the server as text; these have none.
import { format } from "d3-format";

const grouped = format(",");

export const count = (n: number): string => grouped(n);

// So many significant digits, a true minus sign; very small and very large ones with an exponent.
export function number(value: number | null | undefined, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "not finite";
  if (value === 0) return "0";
  const size = Math.abs(value);
  const told =
    size >= 1e6 || size < 1e-4
      ? value.toExponential(digits - 1).replace(/\.?0+e/, "e")
      : size >= 10 ** digits
        ? grouped(Math.round(value))
        : String(Number(value.toPrecision(digits)));
  return told.replace(/-/g, "−");
}

export const signed = (value: number, digits = 4): string => (value > 0 ? "+" : "") + number(value, digits);

// As many digits as always stay in place when the number changes: for numbers that move.
export function steady(value: number, decimals = 3): string {
  if (!Number.isFinite(value)) return "not finite";
  return Math.abs(value) >= 1e5 ? number(value) : value.toFixed(decimals).replace("-", "−");
}

// An error of an epoch, or a difference, in the target's unit.
export function quantity(value: number | null | undefined, unit: string, digits = 4): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "not finite";
  const size = Math.abs(value) >= 1000 ? grouped(Math.round(Math.abs(value))) : number(Math.abs(value), digits);
  const sign = value < 0 ? "−" : "";
  return unit === "$" ? `${sign}$${size}` : `${sign}${size}${unit ? ` ${unit}` : ""}`;
}

export const percent = (share: number): string => `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
