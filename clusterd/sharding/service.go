package sharding

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/sharding/internal/homes"
	"github.com/pando-go/pando/clusterd/sharding/internal/wire"
	"github.com/pando-go/pando/clusterd/slots"
)

// service drives the machine that has a node's tokens, for all its kinds, and
// does with the router what the machine wants. Its methods are called on the
// node's goroutine unless they say otherwise.
type service struct {
	node    node
	router  *router
	machine *homes.Machine // made by the first call, when all kinds are known
	next    time.Time      // what Tick returned last
	leaving bool
	idle    time.Time // since when everything is handed over; zero = it is not
	drained bool

	settings Settings
	progress progress
	idlers   passivator
	loadDue  time.Time // when the next report of the load is due
	shutdown bool      // the whole cluster stops

	mu     sync.Mutex
	closed []homes.Stopped // slots that closed since the last Tick
}

var _ clusterd.Attached = (*service)(nil)

// newService takes its place in the actor system. It runs before traffic.
func newService(n node) (*service, error) {
	s := &service{node: n, settings: Settings{Rebalance: loadPeriod}}
	sys := n.System()
	s.router = newRouter(sys, sys.Address(), n.MayAct, func() { n.Poke(serviceName) }, s.slotClosed)
	if _, ok := sys.Proto().ProcessRegistry.Add(s.router, "$entities"); !ok {
		return nil, errors.New("sharding: installed twice in this actor system")
	}
	sys.Proto().ProcessRegistry.RegisterAddressResolver(func(pid *pa.PID) (pa.Process, bool) { return s.router.resolve(pid) })
	sys.HandlePrefix(entityPrefix, s.router)
	sys.HandlePrefix(flushedID, flushAnswers{s.router})
	return s, nil
}

// slotClosed takes note that nothing runs in a slot any more. Any goroutine.
func (s *service) slotClosed(in homes.Stopped) {
	s.mu.Lock()
	if i := slices.IndexFunc(s.closed, func(o homes.Stopped) bool { return o.Kind == in.Kind }); i >= 0 {
		// Those that close together move together.
		s.closed[i].Slots.Union(in.Slots)
		s.closed[i].Cargo = append(s.closed[i].Cargo, in.Cargo...)
	} else {
		s.closed = append(s.closed, in)
	}
	s.mu.Unlock()
	s.node.Poke(serviceName)
}

func (s *service) takeClosed() []homes.Stopped {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.closed
	s.closed = nil
	return list
}

func (s *service) get() *homes.Machine {
	if s.machine == nil {
		cfg := homes.Config{Self: s.self(), Moves: s.settings.Moves, Rebalance: s.settings.Rebalance}
		for kind := range s.router.kinds { // order: the machine sorts them
			cfg.Kinds = append(cfg.Kinds, kind)
		}
		s.machine = homes.New(cfg)
	}
	return s.machine
}

// ViewActive follows a new active view.
func (s *service) ViewActive(v clusterd.ViewActive) {
	in := homes.View{Number: v.Number, Leader: v.Leader, Shutdown: v.Shutdown}
	s.shutdown = v.Shutdown
	for kind := range s.router.kinds { // order: each kind has its own pace
		s.setPace(kind)
	}
	info := &viewInfo{hosted: map[string]bool{}, members: map[member.Node]bool{}, hosts: map[string][]slots.Member{}}
	for _, m := range v.Members {
		in.Members = append(in.Members, homes.Member{Node: m.Node, Status: m.Status, Kinds: m.Info.Kinds, Weight: weightOf(m.Info)})
		for _, kind := range m.Info.Kinds {
			if m.Status == member.Up {
				info.hosted[kind] = true
				info.hosts[kind] = append(info.hosts[kind], slots.Member{Node: slots.Node(m.Address), Weight: weightOf(m.Info)})
			}
		}
		info.members[m.Node] = true
	}
	s.router.view.Store(info)
	s.step(in)
}

// WeightKey is the key in clusterd.Config.Meta under which a node may say, as a
// whole number from 1 to 1000, how large its share of the slots is beside those
// of others; without it, 1.
const WeightKey = "weight"

func weightOf(info member.Info) int {
	for _, p := range info.Meta {
		if p.Key == WeightKey {
			w, _ := strconv.Atoi(p.Value)
			return min(max(w, 1), 1000)
		}
	}
	return 1
}

// Receive takes a packet of another node's service.
func (s *service) Receive(from member.Node, payload []byte) {
	m, err := wire.Decode(payload)
	if err != nil {
		s.router.log.Debug("sharding packet refused", "from", from, "error", err)
		return
	}
	s.step(homes.Packet{Peer: from, Message: m})
}

// SendFailed needs no answer: what matters is sent again.
func (s *service) SendFailed(member.Node, []byte, error) {}

// crowd is how many entities a node moves at a time, about: a larger batch makes
// each of them wait longer, a smaller one is mostly waiting for answers.
const crowd = 512

// setPace fits the slots that move at a time to how many entities are in one.
func (s *service) setPace(kind string) {
	if k := s.router.kinds[kind]; k != nil {
		s.get().Pace(kind, crowd*int(max(k.held.Load(), 1))/int(max(k.entities.Load(), 1)))
	}
}

// Leaving notes that the node leaves. The view that says so moves the slots.
func (s *service) Leaving() {
	s.leaving = true
	s.finish(time.Now())
}

// Fenced pauses what runs here, or lets it go on.
func (s *service) Fenced(fenced bool) {
	if fenced {
		s.router.pauses.fence()
		return
	}
	s.router.pauses.lift()
	s.router.resume()
}

// Tick passes time on to the machine and the router.
func (s *service) Tick(now time.Time) time.Time {
	for _, in := range s.takeClosed() {
		s.setPace(in.Kind)
		s.step(in)
	}
	s.tellCorrections()
	s.get().Tick(now)
	wake := s.carryOut()
	s.next = earliest(wake, s.router.sweep(now))
	s.next = earliest(s.next, s.idlers.tick(s.router, now))
	if len(s.router.kinds) > 0 {
		if !now.Before(s.loadDue) {
			s.reportLoad()
			s.loadDue = now.Add(loadPeriod)
		}
		s.next = earliest(s.next, s.loadDue)
	}
	if !s.idle.IsZero() && !s.drained {
		s.next = earliest(s.next, s.idle.Add(grace))
	}
	return s.next
}

// earliest returns the earlier of two times, where zero means never.
func earliest(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// Removed ends the entities, since others run them now, and forgets the tokens:
// the next incarnation begins without any.
func (s *service) Removed(ctx context.Context) error {
	s.router.routes.clear()
	s.router.view.Store(&viewInfo{})
	err := s.router.dropAll(ctx)
	s.takeClosed()
	s.machine, s.next = nil, time.Time{}
	s.leaving, s.idle, s.drained = false, time.Time{}, false
	return err
}

// Stop ends the entities.
func (s *service) Stop(ctx context.Context) {
	if err := s.router.stop(ctx); err != nil {
		s.router.log.Warn("entities did not stop in time", "entities", s.router.alive.Load())
	}
	s.progress.end()
}

// step gives the machine an input.
func (s *service) step(in homes.Input) {
	if in, ok := in.(homes.Stopped); ok {
		s.noteCargo(in)
	}
	if err := s.get().Step(time.Now(), in); err != nil {
		s.router.log.Debug("sharding input refused", "error", err)
	}
	wake := s.carryOut()
	if !wake.IsZero() && (s.next.IsZero() || wake.Before(s.next)) {
		s.next = wake
		s.node.Poke(serviceName)
	}
}

// noteCargo counts what moves.
func (s *service) noteCargo(in homes.Stopped) {
	n := 0
	for _, c := range in.Cargo {
		n += len(c.Data)
	}
	s.progress.carried(in.Kind, n)
}

// carryOut does what the machine wants until it wants nothing more, and returns
// when its Tick is due.
func (s *service) carryOut() time.Time {
	for {
		rd := s.get().Ready()
		for _, a := range rd.Acts {
			s.do(a)
		}
		for _, p := range rd.Packets {
			s.post(p)
		}
		if len(rd.Acts) == 0 {
			s.finish(time.Now())
			return rd.Wake
		}
	}
}

func (s *service) do(a homes.Act) {
	switch a := a.(type) {
	case homes.Progress:
		s.progress.update(a, time.Now())
	case homes.Route:
		s.router.routes.set(a, time.Now())
		s.router.reroute(a)
	case homes.Run:
		s.router.run(a)
	case homes.Release:
		if in := s.router.release(a); !in.Slots.Empty() {
			// What was asked to stop is always taken.
			_ = s.machine.Step(time.Now(), in)
		}
	case homes.Pass:
		s.router.pass(a)
	case homes.Drop:
		s.router.drop(a)
	}
}

func (s *service) post(p homes.Packet) {
	payload, err := wire.Append(nil, p.Message)
	if err != nil {
		s.router.log.Error("sharding packet cannot be encoded", "to", p.Peer, "error", err)
		return
	}
	s.node.Post(p.Peer, serviceName, payload)
}

// grace is how long a node that has handed over everything still forwards: its
// last answers, and messages that were under way when their senders learned
// that it leaves, travel on other connections than what it waited for.
const grace = 250 * time.Millisecond

// finish tells the node once that everything has been handed over.
func (s *service) finish(now time.Time) {
	if !s.leaving || s.drained {
		return
	}
	if s.shutdown {
		s.finishShutdown()
		return
	}
	if !s.get().Idle() {
		s.idle = time.Time{}
		return
	}
	if s.idle.IsZero() {
		s.idle = now
		s.node.Poke(serviceName)
	}
	if now.Sub(s.idle) >= grace {
		s.drained = true
		s.get().Drained()
		s.node.Drained(serviceName)
	}
}

// finishShutdown ends what runs here, since nothing is handed over when the
// whole cluster stops, and tells the node once nothing runs any more.
func (s *service) finishShutdown() {
	if !s.router.stopped.Load() {
		s.router.halt()
	}
	if s.router.alive.Load() == 0 {
		s.drained = true
		s.get().Drained()
		s.node.Drained(serviceName)
	}
}
