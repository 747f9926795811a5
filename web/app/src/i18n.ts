// Every word that people read is in a catalogue. Korean has the same keys as English: the
// compiler says so.
import { signal } from "@preact/signals";
import { en } from "./en.ts";
import { ko } from "./ko.ts";

type Words<T> = { [K in keyof T]: T[K] extends (...a: infer A) => string ? (...a: A) => string : string };
export type Catalogue = Words<typeof en>;

export const languages = { en: "English", ko: "한국어" } as const;
export type Language = keyof typeof languages;

const catalogues: Record<Language, Catalogue> = { en, ko };

function preferred(): Language {
  for (const l of navigator.languages) {
    const base = l.slice(0, 2).toLowerCase();
    if (base === "ko" || base === "en") return base;
  }
  return "en";
}

const saved = localStorage.getItem("language");
export const language = signal<Language>(saved === "en" || saved === "ko" ? saved : preferred());

export function setLanguage(l: Language): void {
  localStorage.setItem("language", l);
  language.value = l;
}

/** The words of the language that is chosen. Reading it in a component makes it follow. */
export function t(): Catalogue {
  return catalogues[language.value];
}

const formats = new Map<string, Intl.DateTimeFormat>();

function format(ms: number, options: Intl.DateTimeFormatOptions): string {
  const key = language.value + JSON.stringify(options);
  let f = formats.get(key);
  if (!f) formats.set(key, (f = new Intl.DateTimeFormat(language.value, options)));
  return f.format(ms);
}

export function time(ms: number): string {
  return format(ms, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function fullTime(ms: number): string {
  return format(ms, { dateStyle: "full", timeStyle: "short" });
}

export function day(ms: number): string {
  const that = new Date(ms);
  const now = new Date();
  const midnight = (d: Date) => new Date(d.getFullYear(), d.getMonth(), d.getDate()).getTime();
  const ago = Math.round((midnight(now) - midnight(that)) / 86_400_000);
  if (ago === 0) return t().today;
  if (ago === 1) return t().yesterday;
  const year = that.getFullYear() === now.getFullYear() ? {} : ({ year: "numeric" } as const);
  return format(ms, { weekday: "long", month: "long", day: "numeric", ...year });
}

/** So many seconds, in the largest unit that says it whole. */
export function span(seconds: number): string {
  const [n, unit] = seconds && seconds % 86_400 === 0 ? [seconds / 86_400, "day"] : seconds % 3600 === 0 ? [seconds / 3600, "hour"] : seconds % 60 === 0 ? [seconds / 60, "minute"] : [seconds, "second"];
  return new Intl.NumberFormat(language.value, { style: "unit", unit, unitDisplay: "long" }).format(n);
}

export function days(n: number): string {
  return new Intl.NumberFormat(language.value, { style: "unit", unit: "day", unitDisplay: "long" }).format(n);
}

export function bytes(n: number): string {
  const [size, unit] = n < 1000 ? [n, "byte"] : n < 1e6 ? [n / 1e3, "kilobyte"] : [n / 1e6, "megabyte"];
  return new Intl.NumberFormat(language.value, { style: "unit", unit, unitDisplay: unit === "byte" ? "long" : "short", maximumSignificantDigits: 3 }).format(size);
}

export function count(n: number): string {
  return new Intl.NumberFormat(language.value).format(n);
}
