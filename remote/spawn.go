package remote

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/internal/remotepb"
	"github.com/pando-go/pando/remote/internal/wire"
)

// The codes of a Spawned.
const (
	spawnUnknownKind = "unknown-kind"
	spawnNameTaken   = "name-taken"
	spawnNotExposed  = "not-exposed"
	spawnBadName     = "bad-name"
	spawnFailure     = "failure"
)

// The codes of an [actor.Failure] that this package makes of a failed spawn.
const (
	FailureBusy    = "busy"    // the node starts too many actors already
	FailurePanic   = "panic"   // starting the actor panicked
	FailureSpawn   = "spawn"   // starting the actor failed
	FailureTimeout = "timeout" // starting the actor took too long; it is stopped should it come up
)

// Spawn starts an actor of kind k on the node at address, which must have
// registered the kind; id is what the kind's constructor is given there, name
// the actor's name, "" = anonymous. A name must be exposed there, as it must be to
// be reached. Errors match actor.ErrUnknownKind, actor.ErrNameTaken,
// actor.ErrNotExposed, actor.ErrBadName, *actor.Failure with one of the codes above
// or the constructor's, ctx's error, or tell as [Service].Failed does why the
// request did not arrive.
// After ErrLost and ctx's errors the actor may have been started.
func Spawn[M any](ctx context.Context, r *Remote, address string, k actor.Kind[M], id, name string) (actor.Ref[M], error) {
	pid, err := r.spawn(ctx, address, k.Name, id, name)
	if err != nil {
		return actor.Ref[M]{}, err
	}
	return actor.RefOf[M](r.typed, pid), nil
}

func (r *Remote) spawn(ctx context.Context, address, kind, id, name string) (*pa.PID, error) {
	if address == r.self.Address {
		return result(r.spawnHere(&remotepb.Spawn{Kind: kind, ActorId: id, Name: name}), address, kind, name)
	}
	p := r.reach(address)
	if p == nil {
		return nil, fmt.Errorf("remote: spawn %s: no address: %q", kind, address)
	}
	for _, s := range [...]string{kind, id, name} {
		if len(s) > wire.MaxText {
			return nil, fmt.Errorf("remote: spawn %s: %w", kind, ErrTooLarge)
		}
	}
	number, done := p.control.newCall()
	defer p.control.endCall(number, nil)
	frame, err := wire.AppendFrame(nil, wire.KindSpawn, &remotepb.Spawn{Id: number, Kind: kind, ActorId: id, Name: name})
	if err != nil {
		return nil, fmt.Errorf("remote: spawn %s: %w", kind, err)
	}
	request := &post{frame: frame, call: number, failed: func(err error) {
		p.control.endCall(number, &spawnResult{err: err})
	}}
	if !p.control.push(request) { // the peer was forgotten a moment ago
		return r.spawn(ctx, address, kind, id, name)
	}
	select {
	case a := <-done:
		if a.err != nil {
			return nil, fmt.Errorf("remote: spawn %s at %s: %w", kind, address, a.err)
		}
		return result(a.answer, a.address, kind, name)
	case <-ctx.Done():
		return nil, fmt.Errorf("remote: spawn %s at %s: %w", kind, address, ctx.Err())
	}
}

// result makes a PID or an error of an answer.
func result(a *remotepb.Spawned, address, kind, name string) (*pa.PID, error) {
	switch a.Code {
	case "":
		if !checkID(a.Actor) {
			return nil, fmt.Errorf("remote: spawn %s at %s: answer without an id", kind, address)
		}
		return &pa.PID{Address: address, Id: a.Actor}, nil
	case spawnUnknownKind:
		return nil, fmt.Errorf("%w: %s at %s", actor.ErrUnknownKind, kind, address)
	case spawnNameTaken:
		return nil, fmt.Errorf("%w: %s at %s", actor.ErrNameTaken, name, address)
	case spawnNotExposed:
		return nil, fmt.Errorf("%w: %s at %s", actor.ErrNotExposed, name, address)
	case spawnBadName:
		return nil, fmt.Errorf("%w: %s at %s", actor.ErrBadName, name, address)
	}
	return nil, fmt.Errorf("remote: spawn %s at %s: %w", kind, address, &actor.Failure{Code: a.Failure, Text: a.Text})
}

// spawn carries out a request of another node, in a goroutine of its own: the
// constructor is the user's and may take its time.
func (c *inbound) spawn(body []byte) error {
	m, err := unmarshal[remotepb.Spawn](wire.KindSpawn, body)
	if err != nil {
		return err
	}
	for _, s := range [...]string{m.Kind, m.ActorId, m.Name} {
		if len(s) > wire.MaxText {
			return wire.Malformed("spawn: text of %d bytes, limit %d", len(s), wire.MaxText)
		}
	}
	c.ack.post()
	if a := c.r.judgeName(m.Name); a != nil {
		c.r.count.notExposed.Add(1)
		c.r.warn(a.Code, "spawn refused", "from", c.p.address, "kind", clip(m.Kind), "name", clip(m.Name))
		return c.sendSpawned(m.Id, a)
	}
	if !c.p.takeSpawn() {
		return c.sendSpawned(m.Id, &remotepb.Spawned{Code: spawnFailure, Failure: FailureBusy, Text: "too many actors are being started"})
	}
	if !c.r.start(func() { c.carryOut(m) }) {
		c.p.giveSpawn()
		return ErrClosed
	}
	return nil
}

// judgeName refuses a name that the caller could not reach afterwards: so nobody
// elsewhere can take a name that a service of this node counts on.
func (r *Remote) judgeName(name string) *remotepb.Spawned {
	if name == "" {
		return nil
	}
	switch err := r.unreachable(name); {
	case strings.ContainsRune(name, '#') || r.sys.Reach(name) != actor.ReachNamed:
		return &remotepb.Spawned{Code: spawnBadName}
	case err != nil:
		return &remotepb.Spawned{Code: spawnNotExposed}
	}
	return nil
}

// takeSpawn takes one of the tokens of the node and of the peer. The peer's are
// fewer: constructors of one kind that hang do not keep other peers from starting
// theirs.
func (p *peer) takeSpawn() bool {
	if p.spawns.Add(1) > maxPeerSpawns {
		p.spawns.Add(-1)
		return false
	}
	select {
	case p.r.spawns <- struct{}{}:
		return true
	default:
		p.spawns.Add(-1)
		return false
	}
}

func (p *peer) giveSpawn() {
	p.spawns.Add(-1)
	<-p.r.spawns
}

// carryOut starts an actor and answers, in time. The constructor cannot be called
// off: it keeps its token for as long as it runs, and what it makes after the
// answer is stopped, since nobody knows of it.
func (c *inbound) carryOut(m *remotepb.Spawn) {
	made := make(chan *remotepb.Spawned, 1)
	go func() {
		defer c.p.giveSpawn()
		made <- c.r.spawnHere(m)
	}()
	timer := time.NewTimer(c.r.cfg.SpawnTimeout)
	defer timer.Stop()
	select {
	case a := <-made:
		c.sendSpawned(m.Id, a) // if it fails the connection is gone, and the other side knows
		return
	case <-timer.C:
	}
	c.r.warn(FailureTimeout, "starting an actor takes too long", "from", c.p.address, "kind", m.Kind)
	c.sendSpawned(m.Id, &remotepb.Spawned{Code: spawnFailure, Failure: FailureTimeout, Text: "starting the actor took too long"})
	if a := <-made; a.Code == "" {
		c.r.toLocal(a.Actor, &pa.Stop{})
	}
}

func (c *inbound) sendSpawned(id uint64, a *remotepb.Spawned) error {
	a.Id = id
	frame, err := wire.AppendFrame(nil, wire.KindSpawned, a)
	if err != nil { // a text that is not UTF-8
		frame, err = wire.AppendFrame(nil, wire.KindSpawned, &remotepb.Spawned{Id: id, Code: spawnFailure, Failure: FailureSpawn})
	}
	if err != nil {
		return err
	}
	return c.send(frame)
}

// spawnHere starts an actor of this node.
func (r *Remote) spawnHere(m *remotepb.Spawn) (a *remotepb.Spawned) {
	defer func() {
		if v := recover(); v != nil {
			r.count.panics.Add(1)
			r.log.Error("panic while starting an actor", "kind", m.Kind, "panic", v, "stack", string(debug.Stack()))
			a = &remotepb.Spawned{Code: spawnFailure, Failure: FailurePanic, Text: clip(fmt.Sprint(v))}
		}
	}()
	pid, err := r.sys.SpawnKind(m.Kind, m.ActorId, m.Name)
	var failure *actor.Failure
	switch {
	case err == nil:
		return &remotepb.Spawned{Actor: pid.Id}
	case errors.Is(err, actor.ErrUnknownKind):
		return &remotepb.Spawned{Code: spawnUnknownKind}
	case errors.Is(err, actor.ErrNameTaken):
		return &remotepb.Spawned{Code: spawnNameTaken}
	case errors.Is(err, actor.ErrBadName):
		return &remotepb.Spawned{Code: spawnBadName}
	case errors.As(err, &failure):
		return &remotepb.Spawned{Code: spawnFailure, Failure: clip(failure.Code), Text: clip(failure.Text)}
	}
	return &remotepb.Spawned{Code: spawnFailure, Failure: FailureSpawn, Text: clip(err.Error())}
}

// clip bounds a text for an operator.
func clip(s string) string { return s[:min(len(s), 2048)] }
