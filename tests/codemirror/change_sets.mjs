// Makes and checks cases of change sets by CodeMirror's own module: README.md.
import { ChangeSet } from "@codemirror/state";
import { boundaries, main, someChanges, someText, toDoc, toText } from "./cases.mjs";

function answers({ text, a, b, c }) {
  const doc = toDoc(text);
  const sets = [a, b, c].map((set) => ChangeSet.fromJSON(set));
  const places = [];
  for (const at of boundaries(text)) places.push([at, sets[0].mapPos(at, -1), sets[0].mapPos(at, 1)]);
  return {
    applied: toText(sets[0].apply(doc)),
    inverted: sets[0].invert(doc).toJSON(),
    composed: sets[0].compose(sets[2]).toJSON(),
    after: sets[0].map(sets[1], false).toJSON(),
    before: sets[0].map(sets[1], true).toJSON(),
    places,
  };
}

function makeCase(random) {
  const text = someText(random, 14);
  const a = someChanges(random, text);
  const b = random(6) ? someChanges(random, text) : a;
  const c = someChanges(random, toText(a.apply(toDoc(text))));
  const made = { text, a: a.toJSON(), b: b.toJSON(), c: c.toJSON() };
  return { ...made, ...answers(made) };
}

await main("change_sets.mjs", makeCase, answers);
