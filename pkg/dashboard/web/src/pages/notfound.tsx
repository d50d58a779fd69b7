import { Empty, Title } from "../ui/bits";

export function NotFound() {
  return (
    <>
      <Title document="Not found">There is nothing at this address</Title>
      <Empty title="The link may be of an older version, or mistyped.">
        <p><a href="/">Overview</a> · <a href="/tests">Tests</a> · <a href="/reports">Reports</a></p>
      </Empty>
    </>
  );
}
