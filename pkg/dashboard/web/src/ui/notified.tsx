import { sentence } from "../lib/result";
import { dayAndTime } from "../lib/time";
import type { Delivery, Test } from "../lib/types";
import { At, Command, Panel, When } from "./bits";
import { Icon } from "./icons";

const events: Record<string, string> = {
  failed: "a run failed", partial: "a run was partial or inconclusive", verified: "a run passed", recovered: "all is well again", regressed: "the score fell", rtoExceeded: "the recovery took too long",
  notVerified: "not verified in time", leaked: "objects were left behind", lastGoodChanged: "another backup is the last good one",
};
const states: Record<Delivery["state"], [color: string, icon: string, word: string]> = { Sent: ["pass", "pass", "sent"], Pending: ["inconclusive", "queued", "waits"], Undeliverable: ["fail", "fail", "given up"], Withdrawn: ["never", "never", "withdrawn"] };
const reasons: Record<string, [color: string, icon: string, says: string]> = {
  Delivered: ["pass", "pass", "Everybody was told"],
  NothingToTell: ["pass", "pass", "Nothing was to be told yet"],
  Sending: ["inconclusive", "queued", "Messages are to be sent"],
  Silenced: ["never", "pause", "Muted"],
  SecretNotReadable: ["fail", "fail", "A Secret cannot be read, so nothing is sent there"],
  Undeliverable: ["fail", "fail", "A message was given up"],
};

// How many deliveries are shown: of those that are over the controller keeps only some anyway.
const most = 6;

// Notified tells who was told what, and who could not be.
export function Notified({ t }: { t: Test }) {
  const c = t.status?.conditions?.find((one) => one.type === "Notified");
  const named = (t.spec.notifications?.onFailure?.length ?? 0) + (t.spec.notifications?.onSuccess?.length ?? 0);
  const deliveries = [...(t.status?.notifications?.deliveries ?? [])].reverse();
  if (!c) {
    return (
      <Panel title="Notifications">
        <p class="muted">{named ? "It names channels, and nothing was said about them yet: does kymaros-notify run?" : t.spec.notifications ? "Nobody is told: it is to have no channel." : "Nobody was told: it names no channel in spec.notifications."}</p>
      </Panel>
    );
  }
  const [color, icon, says] = reasons[c.reason] ?? [{ True: "pass", False: "fail", Unknown: "inconclusive" }[c.status], "warn", c.reason];
  const until = c.reason === "Silenced" ? /\d{4}-\d\d-\d\dT[\d:]+(?:Z|[+-]\d\d:\d\d)/.exec(c.message)?.[0] : undefined;
  return (
    <Panel title="Notifications">
      <p class={`told ${color}`}><Icon name={icon} size={17} /> <strong>{says}{until && <> until <At at={until} format={dayAndTime} /></>}</strong></p>
      {until && (
        <>
          <p class="muted small">By annotation <code>kymaros.io/silence-until</code>. What still holds then is sent. To have messages sent again now:</p>
          <Command text={`kubectl -n ${t.metadata.namespace} annotate restoretest ${t.metadata.name} kymaros.io/silence-until-`} label="the command that ends the silence" />
        </>
      )}
      {c.status !== "True" && !until && !deliveries.some((d) => d.lastError && c.message.includes(d.lastError)) && <p class="muted small breaks">{sentence(c.message)}.</p>}
      <ul class="deliveries">
        {deliveries.slice(0, most).map((d) => <Row key={d.id} d={d} />)}
      </ul>
      {deliveries.length > most && <p class="muted small">and {deliveries.length - most} before these</p>}
    </Panel>
  );
}

function Row({ d }: { d: Delivery }) {
  const [color, icon, word] = states[d.state];
  const command = /: (kubectl .+)$/.exec(d.lastError ?? "");
  const [type, secret] = d.channel.split("/");
  return (
    <li>
      <p><span class={`badge ${color}`}><Icon name={icon} size={15} /> {word}</span> <span>{type}{secret && <span class="muted"> ({secret})</span>}</span> <span class="muted small when"><When at={d.time} /></span></p>
      <p class="small">{sentence([d.event, ...(d.also ?? [])].map((e) => events[e] ?? e).join(", "))}{(d.attempts ?? 0) > 1 && <span class="muted">, tried {d.attempts} times</span>}</p>
      {d.lastError && d.state !== "Sent" && <p class="small breaks">{sentence(command ? d.lastError.slice(0, command.index) : d.lastError)}.</p>}
      {command && d.state === "Pending" && <Command text={command[1]!} label={`the command that lets ${d.channel} be told`} />}
    </li>
  );
}
