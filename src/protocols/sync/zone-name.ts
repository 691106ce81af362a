/**
 * Whether this program knows the IANA zone. Names alone count: a bare offset would be wrong for
 * half of the year, and is a zone to newer engines only.
 */
export function isZoneName(name: string): boolean {
  if (!/^[A-Za-z][A-Za-z0-9_+/-]{0,63}$/.test(name)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
