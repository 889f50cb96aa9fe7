package actor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// noHost is protoactor's address of a system that other nodes cannot reach.
const noHost = "nonhost"

// System is a protoactor actor system together with what Pando adds: a
// dispatcher, refs, asks, supervision and dead letters. A node has one. Its
// methods may be called from any goroutine.
type System struct {
	proto   *pa.ActorSystem
	owned   bool // made by NewSystem, so Close stops protoactor's own actors too
	small   bool // a copy, which shares what protoactor's Shutdown would close
	name    string
	address string        // "" if other nodes cannot reach it
	uid     atomic.Uint64 // of this incarnation: see Reincarnate
	log     *slog.Logger

	pool      pa.Dispatcher
	ownPool   *mailbox.Pool // pool, if it ends with the system
	defaults  *plan         // of actors without options
	asks      *asks
	requests  requests
	tickets   sync.Pool // of *ticket, which nobody waits for
	guardian  *guardian
	roster    roster
	kinds     kindTable
	prefixes  prefixTable
	letters   letterCounts
	letterLog letterLog
	tasks     tasks

	spawnProps pa.SpawnFunc // spawns any Props under any parent

	anon    string // prefix of anonymous ids
	tags    tagKey // of their ends
	counter atomic.Uint64
	closed  atomic.Bool
}

// NewSystem makes a system of its own. The error lists every fault of cfg.
func NewSystem(cfg Config) (*System, error) {
	cfg = cfg.filled()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return connect(newProto(cfg), cfg, true)
}

// Adopt brings refs, asks and remote to a protoactor system that runs already.
// cfg.Address may be empty, which means ps's own. Closing the result stops what
// was spawned through it, not ps. A system can be adopted once.
func Adopt(ps *pa.ActorSystem, cfg Config) (*System, error) {
	cfg = cfg.filled()
	own := ps.ProcessRegistry.Address
	if own == noHost {
		own = ""
	}
	if cfg.Address == "" {
		cfg.Address = own
	}
	err := cfg.validate()
	if cfg.Address != own {
		err = errors.Join(err, fmt.Errorf("actor: address %q differs from %q, at which actors run already", cfg.Address, own))
	}
	if err != nil {
		return nil, err
	}
	return connect(ps, cfg, false)
}

func connect(ps *pa.ActorSystem, cfg Config, owned bool) (*System, error) {
	s := &System{
		proto: ps, owned: owned, small: cfg.Small,
		name: cfg.Name, address: cfg.Address, log: cfg.Logger,
		anon: anonPrefix(cfg.UID), tags: newTagKey(),

		defaults:   &plan{supervisor: Backoff{}},
		spawnProps: terminalSpawn(),
	}
	s.uid.Store(cfg.UID)
	s.guardian = newGuardian(s)
	if _, ok := ps.ProcessRegistry.Add(s.guardian, guardianID); !ok {
		return nil, errors.New("actor: this protoactor system has been adopted before")
	}
	if s.pool = cfg.Dispatcher; s.pool == nil {
		s.ownPool = mailbox.NewPool(0, 0)
		s.pool = s.ownPool
	}
	s.asks = newAsks(s)
	ps.ProcessRegistry.RegisterAddressResolver(s.asks.resolve)
	ps.EventStream.Subscribe(s.onDeadLetter)
	return s, nil
}

// systemOf finds the System that a protoactor system belongs to, nil if none does.
func systemOf(ps *pa.ActorSystem) *System {
	if p, ok := ps.ProcessRegistry.GetLocal(guardianID); ok {
		if g, ok := p.(*guardian); ok {
			return g.sys
		}
	}
	return nil
}

// Proto is the untyped side of the same system.
func (s *System) Proto() *pa.ActorSystem { return s.proto }

// Name is the cluster's name.
func (s *System) Name() string { return s.name }

// Address is the host:port at which other nodes reach this system, "" if they cannot.
func (s *System) Address() string { return s.address }

// UID is this incarnation of the node.
func (s *System) UID() uint64 { return s.uid.Load() }

// Reincarnate gives the node a new UID, which must exceed the one that it has:
// its cluster removed the old incarnation, and it comes back in the same
// process. Actors run on. Refs that name the old incarnation reach nobody any
// more; anonymous ids stay unique, since their counter goes on. For the owner
// of the node, while nothing is connected to other nodes.
func (s *System) Reincarnate(uid uint64) { s.uid.Store(uid) }

// Log is the logger that the system was made with.
func (s *System) Log() *slog.Logger { return s.log }

// Close stops all actors at once, without what is queued for them, and waits for
// them and for every goroutine of the system. When ctx ends first, Close returns
// its error and what still runs ends by itself once it returns. Asks that wait end
// with ErrStopped. It may be called more than once, but not from an actor.
func (s *System) Close(ctx context.Context) error {
	first := s.closed.CompareAndSwap(false, true)
	err := s.close(ctx)
	s.asks.close()
	if first && s.owned && !s.small {
		s.proto.Shutdown()
	}
	if err != nil {
		return fmt.Errorf("actor: close: %w", err)
	}
	return nil
}

func (s *System) close(ctx context.Context) error {
	err := s.guardian.stopAll(ctx)
	if err == nil {
		err = s.sweep(ctx)
	}
	if err == nil {
		err = s.tasks.wait(ctx)
	}
	if s.ownPool != nil {
		err = errors.Join(err, s.ownPool.Shutdown(ctx))
	}
	return err
}

// sweep stops what the guardian does not know, until there is none: cells under
// protoactor's own guardians, and, if the system is ours, plain protoactor actors.
func (s *System) sweep(ctx context.Context) error {
	for {
		left := s.actors()
		for _, c := range s.cells() {
			left = append(left, c.self())
		}
		if len(left) == 0 {
			return nil
		}
		for _, pid := range left {
			if err := s.stopNow(ctx, pid); err != nil {
				return err
			}
		}
	}
}

// actors lists the plain protoactor actors of a system of ours, in no order.
func (s *System) actors() (all []*pa.PID) {
	if !s.owned {
		return nil
	}
	s.each(func(id string, p any) {
		if _, ok := p.(*pa.ActorProcess); ok {
			all = append(all, s.proto.NewLocalPID(id))
		}
	})
	return all
}

// cells lists the cells that live, in no order.
func (s *System) cells() (all []*core) {
	s.each(func(_ string, p any) {
		if p, ok := p.(*process); ok && p.name != nil {
			all = append(all, (*core)(p))
		}
	})
	s.roster.each(func(c *core) { all = append(all, c) })
	return all
}

// each calls f for all that is registered, under a lock.
func (s *System) each(f func(id string, p any)) {
	for _, bucket := range s.proto.ProcessRegistry.LocalPIDs.LocalPIDs {
		bucket.IterCb(f)
	}
}

// isLocal tells whether pid is an actor's address in this system.
func (s *System) isLocal(pid *pa.PID) bool {
	return pid.Address == noHost || pid.Address == s.proto.ProcessRegistry.Address
}

// send passes a user message to whoever pid stands for.
func (s *System) send(pid *pa.PID, msg any) {
	if pid == nil {
		s.DeadLetter(nil, nil, msg, ErrNoActor)
		return
	}
	defer func() {
		if r := recover(); r != nil { // protoactor calls subscribers of dead letters on this goroutine
			s.log.Error("sending panicked", "to", s.format(pid), "panic", fmt.Sprint(r), "stack", string(debug.Stack()))
		}
	}()
	s.proto.Root.Send(pid, msg)
}

// sendSystem passes a system message to whoever pid stands for.
func (s *System) sendSystem(pid *pa.PID, msg any) {
	p, _ := s.proto.ProcessRegistry.Get(pid)
	p.SendSystemMessage(pid, msg)
}
