package durable

import (
	crand "crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/durable/internal/durablepb"
	"github.com/pando-go/pando/clusterd/sharding/internal/groups"
	"github.com/pando-go/pando/clusterd/sharding/store"
	"github.com/pando-go/pando/clusterd/slots"
)

// shell drives the groups of this node: one goroutine around one select. The
// protocol is groups.Machine; the shell carries packets, writes, snapshots and
// committed commands between it, the other nodes, the disk and the homes.
type shell struct {
	svc    *service
	host   bool   // this node keeps shards
	self   uint64 // this store's id in its groups; 0 = none
	inbox  *inbox
	disk   *disk // nil unless host
	quit   chan struct{}
	ended  chan struct{}
	base   time.Time
	leases []atomic.Int64 // by shard: its end after base; 0 = none
	locals []local

	// Owned by the goroutine.
	layout   layout
	stored   []groups.Stored  // until there is a machine
	machine  *groups.Machine  // nil until the store is founded
	wake     time.Time        // when its Tick is due
	muted    time.Time        // when to look whether the disk is well again
	moved    bool             // leases may have moved
	lead     map[int]struct{} // the shards that this node is the primary of
	ailing   map[int]struct{} // of these, whose run ended since a proposal was refused
	recheck  time.Time        // when to look at them again
	photos   sync.WaitGroup   // snapshots that are being written
	crowd    crowd
	founding founding
	pilot    pilot
	leaving  leave
	beat     time.Time // when the shell's own timer is due

	mu     sync.Mutex
	rows   []groups.Row      // by shard; under mu
	wishes []uint64          // by shard: the planned primary, 0 = none; under mu
	names  map[uint64]string // addresses by id; under mu
	status Status            // under mu
}

// local is a shard on this node.
type local struct {
	replica atomic.Pointer[replica] // nil: none here
	home    *home                   // made when this node is first its primary

	// Owned by the goroutine.
	role     groups.RoleChange
	run      uint64 // what the home runs; 0 = nothing
	restarts uint64 // of the run in this term
	open     int    // proposals without an Ack
	closing  bool   // a proposal was refused: the run ends when open is 0
	told     progress
	wanted   bool   // the newest plan wants a replica here
	applied  uint64 // index of the newest command
}

func newShell(svc *service, host bool) (*shell, error) {
	n := svc.cfg.Shards
	sh := &shell{
		svc: svc, host: host, inbox: newInbox(), quit: make(chan struct{}), ended: make(chan struct{}),
		base: time.Now(), leases: make([]atomic.Int64, n), locals: make([]local, n), rows: make([]groups.Row, n),
		wishes: make([]uint64, n),
		lead:   map[int]struct{}{}, ailing: map[int]struct{}{}, layout: layout{map[uint32]snapshotID{}},
	}
	if host {
		if err := sh.open(); err != nil {
			return nil, err
		}
	}
	return sh, nil
}

// open reads the store, and gives it an id if it is new.
func (sh *shell) open() error {
	s := sh.svc.cfg.Store
	l, err := load(s)
	if err != nil {
		return err
	}
	if l.node == 0 {
		l.node = drawID()
		if err := writeNow(s, store.Put(keyNode, binary.BigEndian.AppendUint64(nil, l.node))); err != nil {
			return err
		}
	}
	if ch := l.charter; ch != nil && int(ch.GetShards()) != sh.svc.cfg.Shards {
		return fmt.Errorf("the store has %d shards and Config.Shards is %d: they cannot be changed", ch.GetShards(), sh.svc.cfg.Shards)
	}
	sh.self, sh.layout, sh.stored, sh.founding.charter = l.node, l.layout, l.stored, l.charter
	for _, st := range l.stored {
		if err := sh.revive(st); err != nil {
			return fmt.Errorf("shard %d: %w", st.Shard, err)
		}
	}
	return nil
}

// revive gives a shard the state of its stored snapshot.
func (sh *shell) revive(st groups.Stored) error {
	if int(st.Shard) >= len(sh.locals) || st.Snapshot.Index == 0 {
		return nil // it was destroyed
	}
	return sh.install(groups.Install{Shard: st.Shard, SnapshotMeta: st.Snapshot})
}

// drawID draws the id of a store: neither 0 nor one of the numbers that Raft keeps
// for itself.
func drawID() uint64 {
	var b [8]byte
	crand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:])&(1<<62-1) | 1
}

// start begins to run, once the node has all its services.
func (sh *shell) start() {
	if sh.host {
		sh.disk = newDisk(sh.svc.cfg.Store, sh.diskFault)
	}
	go sh.loop()
}

func (sh *shell) put(item any) { sh.inbox.put(item) }

func (sh *shell) propose(p proposal) { sh.inbox.put(p) }

// mayServe reports whether the lease of a shard that this node leads holds now.
func (sh *shell) mayServe(shard int) bool {
	return int64(time.Since(sh.base)) < sh.leases[shard].Load()
}

func (sh *shell) replica(shard int) *replica { return sh.locals[shard].replica.Load() }

func (sh *shell) loop() {
	defer close(sh.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-sh.quit:
			return
		case <-sh.inbox.ready:
		case <-timer.C:
		}
		for _, item := range sh.inbox.take() {
			sh.step(time.Now(), item)
		}
		now := time.Now()
		sh.tick(now)
		sh.pump(now)
		if sh.moved {
			sh.moved = false
			sh.publishLeases()
		}
		timer.Reset(max(0, sh.next().Sub(now)))
	}
}

// step dispatches one item of the inbox.
func (sh *shell) step(now time.Time, item any) {
	switch in := item.(type) {
	case viewed:
		sh.follow(now, in)
	case packet:
		sh.receive(now, in)
	case data:
		sh.input(now, groups.Receive{From: in.from, Data: in.payload})
	case proposal:
		sh.offer(now, in)
	case written:
		sh.input(now, groups.Persisted{Batch: in.batch})
	case photo:
		sh.input(now, groups.SnapshotReady{Shard: in.shard, Index: in.index, Size: in.size})
	case chartered:
		in.answer()
	case moving:
		in.done <- sh.move(now, in)
	case leaving:
		sh.leaving = leave{asked: true, view: sh.crowd.view}
		sh.beat = now
	case removed:
		sh.leaving = leave{}
	}
}

// mute reports whether this node is as good as dead for its groups: its disk has
// refused a write for the time of a lease, or hangs. It keeps silent then, so that the shards it
// leads get other primaries, and goes on when the disk is well.
func (sh *shell) mute() bool { return sh.disk != nil && sh.disk.stuck(sh.svc.timing.LeaseFor) }

// input gives the machine an input. What it refuses of packets is noise.
func (sh *shell) input(now time.Time, in groups.Input) {
	if sh.machine == nil {
		return
	}
	if _, packet := in.(groups.Receive); packet {
		if sh.mute() {
			return
		}
		sh.moved = true
	}
	if err := sh.machine.Step(now, in); err != nil {
		sh.svc.log.Debug("durable input refused", "input", fmt.Sprintf("%T", in), "error", err)
	}
}

// tick does what is due.
func (sh *shell) tick(now time.Time) {
	if sh.machine != nil && !sh.wake.IsZero() && !now.Before(sh.wake) {
		if sh.mute() {
			sh.muted = now.Add(sh.svc.timing.Heartbeat)
		} else {
			sh.machine.Tick(now)
			sh.moved = true
		}
	}
	sh.cure(now)
	if !now.Before(sh.beat) {
		sh.beat = now.Add(sh.svc.timing.Retry)
		sh.found(now)
		sh.spread(now)
		sh.steer(now)
		sh.hurry()
	}
}

func (sh *shell) next() time.Time {
	next := sh.beat
	if sh.machine != nil && !sh.wake.IsZero() && sh.wake.Before(next) {
		next = sh.wake
		if next.Before(sh.muted) {
			next = sh.muted
		}
	}
	if len(sh.ailing) > 0 && sh.recheck.Before(next) {
		next = sh.recheck
	}
	return next
}

// publishLeases lets the homes know how long they may act, and lets go on what has
// waited for a lease.
func (sh *shell) publishLeases() {
	now := int64(time.Since(sh.base))
	for shard := range sh.lead { // order: each has its own place
		if l := &sh.locals[shard]; l.run == 0 || l.closing {
			continue
		}
		_, end := sh.machine.Lease(uint32(shard))
		until := int64(0)
		if !end.IsZero() {
			until = int64(end.Sub(sh.base))
		}
		if old := sh.leases[shard].Swap(until); old <= now && until > now {
			sh.svc.router.resume(shard)
		}
	}
}

// stop ends the goroutines, if they were started, and closes the store.
func (sh *shell) stop(started bool) error {
	close(sh.quit)
	if started {
		<-sh.ended
		sh.photos.Wait()
	}
	for i := range sh.leases {
		sh.leases[i].Store(0)
	}
	switch {
	case sh.disk != nil:
		return sh.disk.stop()
	case sh.host:
		return sh.svc.cfg.Store.Close()
	}
	return nil
}

// diskFault is told by the disk's goroutine.
func (sh *shell) diskFault(err error) {
	sh.mu.Lock()
	sh.status.StoreFault = err
	sh.mu.Unlock()
	if err == nil {
		sh.svc.log.Info("the store can be written again")
		return
	}
	sh.svc.log.Error("the store cannot be written; nothing is acknowledged that needs it", "error", err)
}

// span is the slots of a shard.
func (sh *shell) span() int { return slots.Count / sh.svc.cfg.Shards }

func (sh *shell) first(shard int) uint16 { return uint16(shard * sh.span()) }

// openMachine starts the groups of what is stored.
func (sh *shell) openMachine(now time.Time, ch *durablepb.Charter) error {
	t := sh.svc.timing
	m, err := groups.New(groups.Config{
		Self: sh.self, Boot: sh.svc.sys.UID(), Shards: sh.svc.cfg.Shards, Seed: drawID(),
		Standby: sh.svc.cfg.Standby,
		Timing: groups.Timing{
			Beat: t.Heartbeat, Lease: t.LeaseFor, Drift: t.Drift, Patience: t.Accuse,
		},
		Limits: groups.Limits{CommandBytes: maxCommand, OpenBytes: 4 * maxFlightBytes, Open: 2 * maxFlight},
	}, sh.stored)
	if err != nil {
		return err
	}
	sh.machine = m
	m.Tick(now) // its clock begins
	have := map[uint32]bool{}
	for _, st := range sh.stored {
		have[st.Shard] = true
	}
	sh.stored = nil
	for shard := range sh.svc.cfg.Shards {
		members := firstMembers(ch, shard)
		if have[uint32(shard)] || !slices.Contains(members, sh.self) {
			continue
		}
		err := m.Step(now, groups.Create{Shard: uint32(shard), Group: groupID(ch), Members: members})
		if err != nil && !errors.Is(err, groups.ErrExists) {
			return err
		}
	}
	return nil
}
