// toYAML writes plain data as YAML, in the order in which it is. Texts that YAML would read as something else are quoted.
export function toYAML(value: unknown, indent = ""): string {
  if (Array.isArray(value)) {
    if (!value.length) return "[]\n";
    return value.map((v) => `${indent}- ${nested(v, indent + "  ").trimStart()}`).join("");
  }
  if (value && typeof value === "object") {
    const entries = Object.entries(value).filter(([, v]) => v !== undefined);
    if (!entries.length) return "{}\n";
    return entries.map(([k, v]) => `${indent}${scalar(k)}:${isBlock(v) ? "\n" + toYAML(v, Array.isArray(v) ? indent : indent + "  ") : " " + nested(v, indent + "  ").trimStart()}`).join("");
  }
  return scalar(value) + "\n";
}

const isBlock = (v: unknown) => v !== null && typeof v === "object" && Object.values(v).filter((x) => x !== undefined).length > 0;

const nested = (v: unknown, indent: string) => (isBlock(v) ? toYAML(v, indent) : toYAML(v, indent));

function scalar(value: unknown): string {
  if (typeof value !== "string") return JSON.stringify(value ?? null);
  const plain = /^[A-Za-z_./][\w./@ -]*$/.test(value) && !/^(true|false|yes|no|on|off|null|y|n|\.inf|\.nan)$/i.test(value) && !/\s$/.test(value) && !value.includes(" #");
  return plain ? value : JSON.stringify(value);
}
