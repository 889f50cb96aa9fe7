// One user in one room, over as many connections as it takes. When the node
// dies, the next connection goes to another member. Lines that the room has not
// acknowledged are sent again: it knows them by their id.

const firstPause = 250; // ms between two tries, growing to
const longestPause = 2500;
const openTime = 3000; // ms for one try
const silence = 13000; // ms without any frame after which a connection is dead

export class Connection {
  constructor(room, user, pages, on) {
    Object.assign(this, { room, user, on });
    this.pages = [...pages]; // host:port of members' pages; the head is in use
    this.author = Array.from(crypto.getRandomValues(new Uint8Array(10)), (b) => b.toString(16).padStart(2, "0")).join("");
    this.number = 0;
    this.unsaid = []; // frames that are not acknowledged, in order
    this.epoch = "";
    this.last = 0;
    this.tries = 0;
    this.on.status("connecting", this.page);
    this.connect();
  }

  get page() { return this.pages[0]; }

  // learn takes the members' pages, and keeps the one in use.
  learn(found) {
    if (found.length > 0) this.pages = [this.page, ...found.filter((page) => page !== this.page)];
  }

  // say queues a line and returns its id.
  say(text) {
    const frame = { text, id: `${this.author}.${++this.number}` };
    this.unsaid.push(frame);
    if (this.ready) this.socket.send(JSON.stringify(frame));
    return frame.id;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.watchdog);
    this.socket?.close();
  }

  get ready() { return this.socket?.readyState === WebSocket.OPEN; }

  connect() {
    const query = new URLSearchParams({ room: this.room, user: this.user });
    if (this.epoch) {
      query.set("epoch", this.epoch);
      query.set("after", this.last);
    }
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${this.page}/ws?${query}`);
    this.socket = socket;
    const mine = () => this.socket === socket && !this.closed;
    this.watch(openTime);
    socket.onopen = () => {
      if (!mine()) return;
      this.tries = 0;
      this.watch(silence);
      this.on.status("open", this.page);
      for (const frame of this.unsaid) socket.send(JSON.stringify(frame));
    };
    socket.onmessage = (event) => {
      if (!mine()) return;
      this.watch(silence);
      this.take(JSON.parse(event.data));
    };
    socket.onclose = () => { if (mine()) this.lost(); };
  }

  // watch gives up on a connection that stays silent; a stopped process does.
  watch(ms) {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.lost(), ms);
  }

  lost() {
    clearTimeout(this.watchdog);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
    this.pages.push(this.pages.shift()); // the next member, round and round
    this.on.status("lost", this.page);
    const pause = this.tries === 0 ? 50 : Math.min(longestPause, firstPause * 1.5 ** this.tries);
    this.tries++;
    this.timer = setTimeout(() => this.connect(), pause * (0.8 + 0.4 * Math.random()));
  }

  take(frame) {
    switch (frame.type) {
      case undefined:
        if (frame.seq <= this.last) return; // replayed
        this.last = frame.seq;
        this.on.line({ ...frame, live: this.caughtUp });
        if (frame.id) this.settle(frame.id);
        break;
      case "said":
        this.settle(frame.id);
        this.on.said(frame.id);
        break;
      case "room":
        if (frame.epoch) {
          this.epoch = frame.epoch;
          setTimeout(() => { this.caughtUp = true; }, 500);
        }
        this.on.quiet(false);
        this.on.room(frame);
        break;
      case "presence":
        this.on.presence(frame);
        break;
      case "reset":
        this.last = frame.seq;
        this.on.gap(frame);
        break;
      case "gap":
        this.on.gap(frame);
        break;
      case "error":
        if (frame.id) {
          this.settle(frame.id);
          this.on.refused(frame.id, frame.text);
        } else if (frame.code === "quiet") {
          this.on.quiet(true);
        } else {
          this.on.error(frame.text);
        }
        break;
    }
  }

  // settle forgets a line that the room has.
  settle(id) { this.unsaid = this.unsaid.filter((frame) => frame.id !== id); }
}
