// The cluster as one node tells it: a snapshot, then each change. Another node
// is asked when that one is gone.

export class Cluster {
  constructor(page, on) {
    this.on = on;
    this.state = { self: "", clusterId: "", leader: "", converged: false, members: [] };
    this.follow(page);
  }

  // follow reads the events of the node behind page from now on.
  follow(page) {
    if (this.page === page && this.source?.readyState !== EventSource.CLOSED) return;
    this.page = page;
    this.source?.close();
    this.source = new EventSource(`//${page}/events`);
    this.source.addEventListener("snapshot", (event) => this.set(JSON.parse(event.data)));
    this.source.addEventListener("change", (event) => this.change(JSON.parse(event.data)));
    this.source.addEventListener("rooms", (event) => this.on.rooms(JSON.parse(event.data).rooms));
  }

  // pages lists where the other members' pages are.
  pages() {
    return this.state.members
      .filter((m) => m.meta.http && m.status === "up" && m.reachable)
      .map((m) => m.meta.http);
  }

  set(state) {
    this.state = state;
    this.on.state(state);
  }

  change(change) {
    const { clusterId, leader, converged, member } = change;
    let members = this.state.members;
    if (member) {
      const known = members.find((m) => m.address === member.address);
      if (member.status !== "removed" || known?.uid === member.uid) {
        members = members.filter((m) => m.address !== member.address);
      }
      if (member.status !== "removed") members = [...members, member].sort(byAddress);
    }
    this.on.happened(change);
    this.set({ ...this.state, clusterId, leader, converged, members });
  }
}

// byAddress sorts by host, then by port as a number, as the nodes do.
function byAddress(a, b) {
  const [ah, ap] = split(a.address), [bh, bp] = split(b.address);
  return ah < bh ? -1 : ah > bh ? 1 : ap - bp;
}

function split(address) {
  const colon = address.lastIndexOf(":");
  return [address.slice(0, colon), Number(address.slice(colon + 1))];
}
