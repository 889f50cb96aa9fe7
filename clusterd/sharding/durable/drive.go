package durable

import (
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
	"github.com/pando-go/pando/clusterd/sharding/store"
)

// This file carries out what the groups want.

// progress is how far a run's commands have come: into the log of the primary, into
// the shard's state, and, for those that asked for it, to a level. A command that is
// applied is on a majority, but only an acknowledgement says that the primary's lease
// held, and that a change of the configuration under way does not matter.
type progress struct{ accepted, applied, quorum, all uint64 }

// pump does what the machine wants until it wants nothing more.
func (sh *shell) pump(now time.Time) {
	for sh.machine != nil {
		rd := sh.machine.Ready()
		sh.wake = rd.Wake
		sh.carryOut(now, rd)
		if rd.Batch == 0 && len(rd.Packets)+len(rd.Installs)+len(rd.Applies)+len(rd.Roles)+len(rd.Acks)+
			len(rd.Snapshots)+len(rd.Reads)+len(rd.Drops)+len(rd.Rows)+len(rd.Failures) == 0 {
			return
		}
	}
}

// carryOut does what one Ready asks for. Acknowledgements come before the roles: a
// primary that settles its last commands and ends its term in one step must not take
// them for lost.
func (sh *shell) carryOut(now time.Time, rd groups.Ready) {
	for _, p := range rd.Packets {
		sh.send(p)
	}
	sh.write(rd)
	for _, in := range rd.Installs {
		sh.installed(in)
	}
	for _, a := range rd.Applies {
		sh.apply(a)
	}
	for _, a := range rd.Acks {
		sh.acknowledge(a)
	}
	for _, r := range rd.Roles {
		sh.changeRole(r)
	}
	for _, r := range rd.Snapshots {
		sh.snapshot(r)
	}
	for _, r := range rd.Reads {
		sh.read(now, r)
	}
	for _, d := range rd.Drops {
		sh.drop(d)
	}
	sh.learn(rd.Rows, true)
	for _, f := range rd.Failures {
		sh.failed(f)
	}
}

// write queues a batch for the disk.
func (sh *shell) write(rd groups.Ready) {
	if rd.Batch == 0 {
		return
	}
	var ops []store.Op
	for _, w := range rd.Writes {
		ops = sh.layout.ops(ops, w)
	}
	batch := rd.Batch
	sh.disk.put(job{ops: ops, sync: rd.Sync, done: func() { sh.put(written{batch}) }})
}

// installed replaces a shard's state by a snapshot that is durable here.
func (sh *shell) installed(in groups.Install) {
	if err := sh.install(in); err != nil {
		sh.failed(groups.Failure{Shard: in.Shard, Err: err})
	}
}

func (sh *shell) install(in groups.Install) error {
	l := &sh.locals[in.Shard]
	r := newReplica(sh.first(int(in.Shard)), sh.span())
	if in.Size > 0 {
		holds := sh.layout.holds[in.Shard]
		if holds.index != in.Index {
			return fmt.Errorf("snapshot %d is not stored", in.Index)
		}
		data, err := readSnapshot(sh.svc.cfg.Store, in.Shard, holds.from, in.Index, 0, int(in.Size))
		if err == nil && uint64(len(data)) != in.Size {
			err = fmt.Errorf("snapshot %d has %d bytes, want %d", in.Index, len(data), in.Size)
		}
		if err == nil {
			err = r.restore(data)
		}
		if err != nil {
			return err
		}
	}
	l.applied = in.Index
	l.replica.Store(r)
	return nil
}

// apply carries out a committed command.
func (sh *shell) apply(a groups.Apply) {
	l := &sh.locals[a.Shard]
	l.applied = a.Index
	run, seq, ok, err := l.replica.Load().apply(a.Data)
	if err != nil {
		sh.failed(groups.Failure{Shard: a.Shard, Err: err})
		return
	}
	if ok && run == l.run {
		l.told.applied = seq
		sh.tellProgress(l)
	}
}

// tellProgress lets the home of a shard know.
func (sh *shell) tellProgress(l *local) {
	told := l.told
	l.home.tell(func(n *news) { n.progress = told })
}

// offer proposes a home's command, unless its run is over: whoever counts on that
// run hears of its end.
func (sh *shell) offer(now time.Time, p proposal) {
	l := &sh.locals[p.shard]
	if l.run != p.run || l.closing {
		return
	}
	if sh.mute() {
		sh.closeRun(now, p.shard)
		return
	}
	err := sh.machine.Step(now, groups.Propose{Shard: uint32(p.shard), ID: p.seq<<2 | uint64(p.level), Level: levelOf(p.level), Data: p.data})
	if err != nil {
		sh.svc.log.Debug("durable proposal refused", "shard", p.shard, "error", err)
		sh.closeRun(now, p.shard)
		return
	}
	l.open++
	l.told.accepted = p.seq
	sh.tellProgress(l)
}

func levelOf(l Level) groups.Level {
	switch l {
	case Async:
		return groups.Async
	case All:
		return groups.All
	}
	return groups.Quorum
}

// acknowledge takes note of the end of a proposal.
func (sh *shell) acknowledge(a groups.Ack) {
	l := &sh.locals[a.Shard]
	l.open--
	if l.open == 0 {
		defer sh.rested(int(a.Shard))
	}
	if l.run == 0 || a.Result != groups.Done {
		return
	}
	switch seq := a.ID >> 2; Level(a.ID & 3) {
	case All:
		l.told.all = max(l.told.all, seq)
		l.told.quorum = max(l.told.quorum, seq)
		sh.tellProgress(l)
	case Quorum:
		l.told.quorum = max(l.told.quorum, seq)
		sh.tellProgress(l)
	}
}

// rested is called when nothing of a shard's runs is under way any more: a run that
// was closed ends, and one that waited for that begins. The latter is a primary that
// was elected again before it knew the end of its last term's proposals.
func (sh *shell) rested(shard int) {
	switch _, ailing := sh.ailing[shard]; {
	case sh.locals[shard].closing:
		sh.endRun(shard)
	case !ailing:
		sh.beginRun(shard)
	}
}

// changeRole lets a home run its shard, or ends that, and directs messages.
func (sh *shell) changeRole(r groups.RoleChange) {
	shard := int(r.Shard)
	sh.moved = true
	l := &sh.locals[shard]
	was := l.role
	l.role = r
	if r.Role == groups.None {
		l.replica.Store(nil)
	}
	if was.Role == groups.Primary && (r.Role != groups.Primary || r.Term != was.Term) {
		delete(sh.lead, shard)
		sh.leases[shard].Store(0)
		sh.endRun(shard)
		delete(sh.ailing, shard)
		l.restarts = 0
	}
	if r.Role == groups.Primary {
		sh.lead[shard] = struct{}{}
		sh.beginRun(shard)
		return
	}
	sh.direct(shard)
}

// beginRun lets the home start, once nothing of an earlier run is under way in this
// term: it reads the shard's state as it is applied.
func (sh *shell) beginRun(shard int) {
	l := &sh.locals[shard]
	if l.role.Role != groups.Primary || l.run != 0 || l.open > 0 {
		return
	}
	if l.home == nil {
		h, err := newHome(sh.svc, shard)
		if err != nil {
			sh.svc.log.Error("home of a shard cannot start", "shard", shard, "error", err)
			return
		}
		l.home = h
	}
	delete(sh.ailing, shard)
	l.run = l.role.Term<<restartBits | l.restarts
	l.restarts = (l.restarts + 1) & (1<<restartBits - 1)
	l.told = progress{}
	run, rep := l.run, l.replica.Load()
	l.home.tell(func(n *news) { n.turns, n.progress = append(n.turns, turn{run: run, rep: rep}), progress{} })
	sh.moved = true
	sh.svc.router.lead(shard, sh.svc.address, l.home) // what waits goes on with the lease
}

// closeRun begins to end a run whose command was refused, since all that follows is
// built on that one. What was accepted before is waited for; a new run begins after
// that: mostly elsewhere, since a shard that is being handed over is the usual reason.
func (sh *shell) closeRun(now time.Time, shard int) {
	l := &sh.locals[shard]
	l.closing = true
	sh.leases[shard].Store(0)
	sh.svc.router.lead(shard, "", nil)
	sh.ailing[shard] = struct{}{}
	sh.recheck = now.Add(recheckAfter)
	if l.open == 0 {
		sh.endRun(shard)
	}
}

// recheckAfter is how long a shard rests whose primary refused a command.
const recheckAfter = 20 * time.Millisecond

// cure lets runs begin again that ended because a command was refused.
func (sh *shell) cure(now time.Time) {
	if len(sh.ailing) == 0 || now.Before(sh.recheck) {
		return
	}
	sh.recheck = now.Add(recheckAfter)
	for shard := range sh.ailing { // order: each is for itself
		sh.beginRun(shard)
	}
}

// restartBits is how many bits of a run's number count its restarts in a term.
const restartBits = 20

// endRun ends what the home runs.
func (sh *shell) endRun(shard int) {
	l := &sh.locals[shard]
	if l.run == 0 {
		return
	}
	l.run, l.closing = 0, false
	last := l.told
	sh.svc.router.lead(shard, "", nil)
	l.home.tell(func(n *news) { n.turns, n.progress = append(n.turns, turn{last: last}), progress{} })
}

// snapshot takes a picture of a shard and has it written.
func (sh *shell) snapshot(r groups.SnapshotRequest) {
	l := &sh.locals[r.Shard]
	// What the groups say to themselves counts in the index and is not applied here.
	frozen, index := l.replica.Load().freeze(), max(l.applied, r.Index)
	sh.photos.Go(func() { sh.develop(r.Shard, index, frozen) })
}

// develop writes a snapshot piece by piece.
func (sh *shell) develop(shard uint32, index uint64, f *frozen) {
	b := marshal(f.message())
	first, end := partsOf(shard, takenHere, index)
	ops := []store.Op{store.DeleteRange(first, end)}
	for at := 0; at < len(b); at += partSize {
		ops = append(ops, store.Put(partKey(shard, takenHere, index, uint64(at)), b[at:min(at+partSize, len(b))]))
		if len(ops) >= 16 {
			sh.disk.put(job{ops: ops})
			ops = nil
		}
	}
	sh.disk.put(job{ops: ops, sync: true, done: func() { sh.put(photo{shard, index, uint64(len(b))}) }})
}

// read gives the machine a piece of a snapshot.
func (sh *shell) read(now time.Time, r groups.SnapshotRead) {
	part := groups.SnapshotPart{Shard: r.Shard, Index: r.Index, To: r.To, Offset: r.Offset}
	if holds := sh.layout.holds[r.Shard]; holds.index == r.Index {
		data, err := readSnapshot(sh.svc.cfg.Store, r.Shard, holds.from, r.Index, r.Offset, r.Max)
		if err != nil {
			sh.svc.log.Warn("snapshot cannot be read", "shard", r.Shard, "error", err)
			data = nil
		}
		part.Data = data
	}
	sh.input(now, part)
}

// drop deletes snapshots that nobody needs.
func (sh *shell) drop(d groups.SnapshotDrop) {
	sh.disk.put(job{ops: dropParts(nil, d.Shard, d.Index, sh.layout.holds[d.Shard])})
}

// failed reports a replica that was stopped.
func (sh *shell) failed(f groups.Failure) {
	sh.svc.log.Error("replica of a shard stopped", "shard", f.Shard, "error", f.Err)
	sh.setStatus(func(s *Status) { s.Failed = append(s.Failed[:len(s.Failed):len(s.Failed)], int(f.Shard)) })
}
