/** A time of the day in which nothing is sent, minutes from midnight; it may go over midnight. */
export interface QuietHours {
  readonly from: number;
  readonly to: number;
  /** IANA name; absent: those of the recipient's country, and it is quiet while it is so in any of them. */
  readonly zone?: string;
}

const stepMs = 900_000;
const longestMs = 26 * 3_600_000;

/** How long it is quiet yet for a recipient in this country, ms; 0: it is not. */
export function quietFor(quiet: QuietHours, country: string | undefined, at: number): number {
  const zones = quiet.zone === undefined ? zonesOf(country) : [quiet.zone];
  if (!quietAt(quiet, zones, at)) return 0;
  // From quarter to quarter: offsets of zones are multiples of it, clocks are put forward at full hours.
  for (let ms = stepMs - (at % stepMs); ms < longestMs; ms += stepMs) {
    if (!quietAt(quiet, zones, at + ms)) return ms;
  }
  return longestMs;
}

function quietAt({ from, to }: QuietHours, zones: readonly string[], at: number): boolean {
  return zones.some(zone => {
    const now = minuteOf(zone, at);
    return from <= to ? now >= from && now < to : now >= from || now < to;
  });
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Minutes since midnight in a zone. */
function minuteOf(zone: string, at: number): number {
  let format = formats.get(zone);
  if (format === undefined) {
    // Zones come from the tables of the runtime and from the configuration: a few hundred at most.
    format = new Intl.DateTimeFormat('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      timeZone: zone,
    });
    formats.set(zone, format);
  }
  const [hour = '0', minute = '0'] = format.format(at).split(':');
  return Number(hour) * 60 + Number(minute);
}

/** Zones of a country; UTC where it is not known. */
function zonesOf(country: string | undefined): readonly string[] {
  if (country === undefined) return ['UTC'];
  const locale = new Intl.Locale('und', { region: country }) as Intl.Locale & {
    readonly timeZones?: readonly string[];
    getTimeZones?(): readonly string[] | undefined;
  };
  const zones = locale.getTimeZones?.() ?? locale.timeZones ?? [];
  return zones.length === 0 ? ['UTC'] : zones;
}
