// Makes and checks sessions of somebody who edits a note that others edit, by CodeMirror's own
// modules: README.md.
import { collab, receiveUpdates, sendableUpdates } from "@codemirror/collab";
import { ChangeSet, EditorState } from "@codemirror/state";
import { boundaries, main, someChanges, someText, toDoc, toText } from "./cases.mjs";

const stepsMost = 24;
const someLines = (random, most) => someText(random, most).replaceAll("\r", "");

class Session {
  constructor(text) {
    const extensions = [collab({ clientID: "us" })];
    this.state = EditorState.create({ doc: toDoc(text), extensions });
    this.head = toDoc(text); // the server's
    this.sent = false;
  }

  text() {
    return toText(this.state.doc);
  }

  // What is under way comes first, and what was typed since behind it.
  unconfirmed() {
    return sendableUpdates(this.state).map((update) => update.changes);
  }

  waits() {
    return this.unconfirmed().length > (this.sent ? 1 : 0);
  }

  type(edits) {
    let changes = ChangeSet.empty(this.state.doc.length);
    for (const [from, removed, text] of edits) {
      const one = ChangeSet.of([{ from, to: from + removed, insert: toDoc(text) }], changes.newLength);
      changes = changes.compose(one);
    }
    this.state = this.state.update({ changes }).state;
  }

  receive(changes, clientID) {
    this.head = changes.apply(this.head);
    this.state = receiveUpdates(this.state, [{ changes, clientID }]).state;
  }

  step({ type, send, confirm, entry }) {
    if (type) this.type(type);
    else if (send) this.sent = true;
    else if (confirm) {
      this.receive(this.unconfirmed()[0], "us");
      this.sent = false;
    } else this.receive(ChangeSet.fromJSON(entry), "them");
  }

  // What stands there after a step, and is under way.
  told() {
    const [first] = this.sent ? this.unconfirmed() : [];
    return [this.text(), first && !first.empty ? first.toJSON() : null];
  }

  // Others have done the same: CodeMirror goes on to send what changes nothing any more, and a
  // document does not.
  hasVanished() {
    return this.unconfirmed().some((changes) => changes.empty);
  }
}

function answers({ text, steps }) {
  const session = new Session(text);
  const told = steps.map((step) => {
    session.step(step);
    return session.told();
  });
  return { told };
}

function someEdit(random, text) {
  const places = boundaries(text);
  const at = Math.min(random(24), places.length - 1);
  const to = random(2) ? Math.min(at + 1 + random(5), places.length - 1) : at;
  const insert = to === at || random(2) ? someLines(random, 3) : "";
  const [gone, come] = [[...text.slice(places[at], places[to])], [...insert]];
  // A document leaves out of an edit what it does not change, and CodeMirror does not.
  const same = gone.length && come.length && (gone[0] === come[0] || gone.at(-1) === come.at(-1));
  return [places[at], same ? 0 : places[to] - places[at], insert];
}

// Each edit is of the text that the one before has made.
function someTyping(random, session) {
  const trial = new Session(session.text());
  const type = [];
  for (let n = 1 + random(3); n > 0; n--) {
    type.push(someEdit(random, trial.text()));
    trial.type([type.at(-1)]);
  }
  return { type };
}

function someEntry(random, session) {
  const changes = someChanges(random, toText(session.head), someLines);
  const other = ChangeSet.of([{ from: 0, insert: "x" }], session.head.length);
  return { entry: (changes.empty ? other : changes).toJSON() };
}

function someStep(random, session) {
  const dice = random(6);
  if (dice < 3 && !session.waits()) return someTyping(random, session);
  if (dice < 4 && session.waits() && !session.sent) return { send: true };
  if (dice === 4 && session.sent) return { confirm: true };
  return someEntry(random, session);
}

function makeCase(random) {
  const text = someLines(random, 14);
  const session = new Session(text);
  const made = { text, steps: [], told: [] };
  for (let n = 4 + random(stepsMost - 3); n > 0 && !session.hasVanished(); n--) {
    const step = someStep(random, session);
    session.step(step);
    made.steps.push(step);
    made.told.push(session.told());
  }
  return made;
}

await main("note_sessions.mjs", makeCase, answers);
