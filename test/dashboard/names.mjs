// What a screen reader is told: the tree of accessibility as Chromium makes it of a page, and what nobody could tell apart by it.

const controls = new Set(["button", "checkbox", "combobox", "searchbox", "textbox", "radio", "switch", "DisclosureTriangle", "spinbutton", "slider"]);

// misnamed returns what of a page cannot be told apart, or has no name: links of one name that lead to different places, buttons and
// fields that others are called like, tables, buttons, fields and links without a name, and headings that skip a level.
export async function misnamed(page) {
  const client = await page.context().newCDPSession(page);
  try {
    const [{ nodes }, { root }] = [await client.send("Accessibility.getFullAXTree"), await client.send("DOM.getDocument", { depth: -1 })];
    const addresses = addressesIn(root);
    const wrong = [];
    const seen = { link: new Map(), control: new Map() };
    let level = 0;
    for (const node of inOrder(nodes)) {
      const role = node.role?.value;
      const name = (node.name?.value ?? "").replace(/\s+/g, " ").trim();
      const heard = `${role} ${JSON.stringify(name)}`;
      if (role === "link") {
        const href = new URL(addresses.get(node.backendDOMNodeId) ?? "", page.url()).href;
        if (!name) wrong.push(`a link to ${href} without a name`);
        const other = seen.link.get(name);
        if (other && other !== href) wrong.push(`${heard} leads to ${other}, and to ${href}`);
        seen.link.set(name, href);
      } else if (controls.has(role)) {
        if (!name) wrong.push(`a ${role} without a name`);
        else if (seen.control.has(heard)) wrong.push(`there are two: ${heard}`);
        seen.control.set(heard, true);
      } else if (role === "table" || role === "grid") {
        if (!name) wrong.push("a table without a name");
      } else if (role === "dialog") {
        level = Math.max(level, 1); // what is behind it is not told
        if (!name) wrong.push("a dialog without a name");
      } else if (role === "heading") {
        const at = node.properties.find((p) => p.name === "level").value.value;
        if (at > level + 1) wrong.push(`${heard} is of level ${at} after one of level ${level}`);
        if (!name) wrong.push("a heading without words");
        level = at;
      }
    }
    return wrong;
  } finally {
    await client.detach();
  }
}

// inOrder returns the nodes as they are read, without those that are not told.
function inOrder(nodes) {
  const by = new Map(nodes.map((n) => [n.nodeId, n]));
  const all = [];
  const walk = (node) => {
    if (!node) return;
    if (!node.ignored) all.push(node);
    for (const id of node.childIds ?? []) walk(by.get(id));
  };
  walk(nodes.find((n) => !n.parentId));
  return all;
}

// addressesIn returns where the links of a document lead, as they are written.
function addressesIn(root) {
  const found = new Map();
  const walk = (node) => {
    const at = (node.attributes ?? []).indexOf("href");
    if (at >= 0 && at % 2 === 0) found.set(node.backendNodeId, node.attributes[at + 1]);
    for (const child of node.children ?? []) walk(child);
  };
  walk(root);
  return found;
}
