const days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
const names: Record<string, string> = { "@hourly": "every hour", "@daily": "every day at 00:00", "@midnight": "every day at 00:00", "@weekly": "Sundays at 00:00", "@monthly": "on the 1st at 00:00", "@yearly": "on 1 January", "@annually": "on 1 January" };

// inWords writes the usual schedules as people say them, and any other as it is.
export function inWords(cron: string, zone = ""): string {
  const words = describe(cron.trim());
  return `${words ?? cron}${zone || !cron.startsWith("@every") ? ` ${zone || "UTC"}` : ""}`;
}

function describe(cron: string): string | undefined {
  if (names[cron]) return names[cron];
  if (cron.startsWith("@every ")) return `every ${cron.slice(7)}`;
  const [minute, hour, dayOfMonth, month, weekday, ...more] = cron.split(/\s+/);
  if (more.length || !weekday || month !== "*") return;
  const step = /^\*\/(\d+)$/.exec(hour!);
  if (dayOfMonth === "*" && weekday === "*") {
    const each = /^\*\/(\d+)$/.exec(minute!);
    if (each && hour === "*") return `every ${each[1]} min`;
    if (/^\d+$/.test(minute!) && hour === "*") return `every hour at :${minute!.padStart(2, "0")}`;
    if (/^\d+$/.test(minute!) && step) return `every ${step[1]} h at :${minute!.padStart(2, "0")}`;
  }
  if (!/^\d+$/.test(minute!) || !/^\d+(,\d+)*$/.test(hour!)) return;
  const at = hour!.split(",").map((h) => `${h.padStart(2, "0")}:${minute!.padStart(2, "0")}`).join(" and ");
  if (dayOfMonth === "*" && weekday === "*") return `every day at ${at}`;
  if (dayOfMonth === "*" && weekday === "1-5") return `weekdays at ${at}`;
  if (dayOfMonth === "*" && /^[0-7](,[0-7])*$/.test(weekday)) return `${weekday.split(",").map((d) => `${days[Number(d)]}s`).join(", ")} at ${at}`;
  if (weekday === "*" && /^\d+$/.test(dayOfMonth!)) return `day ${dayOfMonth} of the month at ${at}`;
  return;
}
