package actor

import (
	"log/slog"
	"time"

	"github.com/asynkron/protoactor-go/ctxext"

	pa "github.com/asynkron/protoactor-go/actor"
)

// This file is the core as a pa.Context. As there, a context serves the actor's
// own goroutine only.

var (
	_ pa.Context        = (*core)(nil)
	_ pa.Supervisor     = (*core)(nil)
	_ pa.MessageInvoker = (*core)(nil)
	_ pa.Process        = (*process)(nil)
)

// shown is the context that the actor sees: the core, or what decorators made of it.
func (c *core) shown() pa.Context {
	if c.plan.decorate == nil {
		return c
	}
	x := c.extra()
	if x.shown == nil {
		x.shown = c.plan.decorate(c)
	}
	return x.shown
}

// ActorSystem is protoactor's side of the system.
func (c *core) ActorSystem() *pa.ActorSystem { return c.sys.proto }

// Logger is the system's logger.
func (c *core) Logger() *slog.Logger { return c.sys.log }

// Parent is nil for an actor without one, also if the guardian keeps it.
func (c *core) Parent() *pa.PID {
	if c.parent == c.sys.guardian.ctx.self {
		return nil
	}
	return c.parent
}

// Self is the actor's own address.
func (c *core) Self() *pa.PID { return c.self() }

// Actor is the user's.
func (c *core) Actor() pa.Actor { return c.h.actor() }

// Children are in no order. The slice is the caller's.
func (c *core) Children() []*pa.PID {
	if c.x == nil {
		return []*pa.PID{}
	}
	return append([]*pa.PID{}, c.x.children.Values()...)
}

// Message is the one in hand.
func (c *core) Message() any { return c.msg }

// MessageHeader is that of the message in hand; nil if nobody waits for an answer
// and there is none.
func (c *core) MessageHeader() pa.ReadonlyMessageHeader {
	switch {
	case c.env != nil:
		return pa.UnwrapEnvelopeHeader(c.env)
	case !c.asked.nobody():
		return pa.UnwrapEnvelopeHeader(noHeader)
	}
	return nil
}

// noHeader is the envelope of who asks without a header.
var noHeader = &pa.MessageEnvelope{}

// Sender waits for an answer to the message in hand; nil if nobody does.
func (c *core) Sender() *pa.PID { return c.asked.pid() }

// Respond answers the message in hand. Without a sender the answer is a dead letter.
func (c *core) Respond(answer any) {
	if c.plan.send != nil && !c.asked.nobody() {
		c.Send(c.Sender(), answer)
		return
	}
	c.sys.answer(c, c.asked, answer)
}

// Stash keeps the message in hand, with its sender, until the actor has restarted;
// then what was stashed comes first, oldest first. Beyond the limit of 1000, and
// for a message of the lifecycle, it panics.
func (c *core) Stash() {
	if !c.user {
		panic("actor: only user messages can be stashed")
	}
	if err := c.h.hold(); err != nil {
		panic(err)
	}
}

// Watch asks for one Terminated. A child's end is told anyhow, and only once.
func (c *core) Watch(who *pa.PID) {
	if !c.isChild(who) {
		c.sys.sendSystem(who, &pa.Watch{Watcher: c.self()})
	}
}

// Unwatch takes a Watch back.
func (c *core) Unwatch(who *pa.PID) {
	if !c.isChild(who) {
		c.sys.sendSystem(who, &pa.Unwatch{Watcher: c.self()})
	}
}

// ReceiveTimeout is what SetReceiveTimeout was called with, 0 if none is set.
func (c *core) ReceiveTimeout() time.Duration {
	if c.x == nil || c.x.idle == nil {
		return 0
	}
	return c.x.idle.after
}

// SetReceiveTimeout has the actor receive *pa.ReceiveTimeout after each d without
// a message; less than a millisecond ends that.
func (c *core) SetReceiveTimeout(d time.Duration) {
	if d < time.Millisecond {
		d = 0
	}
	if d == c.ReceiveTimeout() {
		return
	}
	c.CancelReceiveTimeout()
	if d > 0 {
		c.extra().idle = newIdleTimer(c, d)
	}
}

// CancelReceiveTimeout ends what SetReceiveTimeout began.
func (c *core) CancelReceiveTimeout() {
	if c.x != nil {
		c.x.idle.stop()
		c.x.idle = nil
	}
}

// Forward passes the message in hand on, with its sender and headers.
func (c *core) Forward(to *pa.PID) {
	if isSystem(c.msg) {
		c.sys.log.Error("a system message cannot be forwarded", "actor", c.sys.format(c.self()))
		return
	}
	switch {
	case c.plan.send != nil || c.env != nil:
		c.Send(to, c.envelope())
	default:
		c.sys.sendAs(nil, to, c.msg, c.asked)
	}
}

// ReenterAfter calls then in the actor, in its turn among the messages, when the
// future has ended; the message in hand is then again the one that is now. A
// restart or a stop before that voids it.
func (c *core) ReenterAfter(f *pa.Future, then func(res any, err error)) {
	msg, env, asked := c.msg, c.env, c.asked
	corr, err := c.enter(nil, forever, func(answer any) {
		c.msg, c.env, c.asked = msg, env, asked
		c.user = true
		res, err := futureResult(answer)
		then(res, err)
		c.user = false
		c.drop()
	})
	if err == nil {
		f.PipeTo(askerPID(corr))
	}
}

// futureResult tells an error of protoactor's future from a result.
func futureResult(answer any) (any, error) {
	if err, ok := answer.(error); ok && (err == pa.ErrTimeout || err == pa.ErrDeadLetter) {
		return nil, err
	}
	return answer, nil
}

// Send sends a message from nobody.
func (c *core) Send(to *pa.PID, msg any) {
	if c.plan.send != nil {
		c.plan.send(c.shown(), to, pa.WrapEnvelope(msg))
		return
	}
	c.sys.send(to, msg)
}

// Request sends a message whose answer comes to this actor as a message.
func (c *core) Request(to *pa.PID, msg any) {
	if c.plan.send != nil {
		c.RequestWithCustomSender(to, msg, c.self())
		return
	}
	x := c.extra()
	if x.peer != to || x.peerCore == nil || x.peerCore.dead.Load() {
		x.peer, x.peerCore = to, c.sys.coreOf(to)
	}
	c.sys.sendAs(x.peerCore, to, msg, question{back: c})
}

// RequestWithCustomSender sends a message whose answer goes to sender.
func (c *core) RequestWithCustomSender(to *pa.PID, msg any, sender *pa.PID) {
	c.Send(to, &pa.MessageEnvelope{Message: msg, Sender: sender})
}

// RequestFuture sends a message whose answer ends a future.
func (c *core) RequestFuture(to *pa.PID, msg any, timeout time.Duration) *pa.Future {
	f := pa.NewFuture(c.sys.proto, timeout)
	c.RequestWithCustomSender(to, msg, f.PID())
	return f
}

// Spawn starts a child, whose id nobody else has.
func (c *core) Spawn(props *pa.Props) *pa.PID { return c.SpawnPrefix(props, "") }

// SpawnPrefix starts a child, whose id begins with prefix behind the parent's.
func (c *core) SpawnPrefix(props *pa.Props, prefix string) *pa.PID {
	pid, err := c.SpawnNamed(props, prefix+c.sys.proto.ProcessRegistry.NextId())
	if err != nil {
		panic(err)
	}
	return pid
}

// SpawnNamed starts a child, whose id is the parent's, "/" and name.
func (c *core) SpawnNamed(props *pa.Props, name string) (*pa.PID, error) {
	spawn := c.plan.spawn
	if spawn == nil {
		spawn = c.sys.spawnProps
	}
	pid, err := spawn(c.sys.proto, c.id()+"/"+name, props, c.shown())
	if err == nil {
		c.addChild(pid)
	}
	return pid, err
}

// addChild enters a child. One that is born too late is told to stop.
func (c *core) addChild(pid *pa.PID) {
	c.extra().children.Add(pid)
	if c.phase != running {
		c.sys.sendSystem(pid, stopMessage)
	}
}

// Stop stops an actor at once.
func (c *core) Stop(pid *pa.PID) { c.sys.sendSystem(pid, stopMessage) }

// StopFuture is Stop with a future that ends with the actor, or after ten seconds.
func (c *core) StopFuture(pid *pa.PID) *pa.Future {
	return c.sys.proto.Root.StopFuture(pid)
}

// Poison stops an actor when it has handled what is queued.
func (c *core) Poison(pid *pa.PID) { c.sys.send(pid, poisonMessage) }

// PoisonFuture is Poison with a future that ends with the actor, or after ten seconds.
func (c *core) PoisonFuture(pid *pa.PID) *pa.Future {
	return c.sys.proto.Root.PoisonFuture(pid)
}

// Get returns a context extension, nil if it was never set.
func (c *core) Get(id ctxext.ContextExtensionID) ctxext.ContextExtension {
	if c.x == nil {
		return nil
	}
	return c.x.exts[id]
}

// Set sets a context extension.
func (c *core) Set(ext ctxext.ContextExtension) {
	x := c.extra()
	if x.exts == nil {
		x.exts = contextExtensions{}
	}
	x.exts[ext.ExtensionID()] = ext
}

type contextExtensions map[ctxext.ContextExtensionID]ctxext.ContextExtension

// RestartChildren is the part of pa.Supervisor that restarts.
func (c *core) RestartChildren(pids ...*pa.PID) { c.sys.sendAll(pids, restartMessage) }

// StopChildren is the part of pa.Supervisor that stops.
func (c *core) StopChildren(pids ...*pa.PID) { c.sys.sendAll(pids, stopMessage) }

// ResumeChildren is the part of pa.Supervisor that goes on.
func (c *core) ResumeChildren(pids ...*pa.PID) { c.sys.sendAll(pids, resumeMessage) }

func (s *System) sendAll(pids []*pa.PID, msg any) {
	for _, pid := range pids {
		s.sendSystem(pid, msg)
	}
}

// GoString is what protoactor prints.
func (c *core) GoString() string { return c.String() }

// String is the text of the actor's ref.
func (c *core) String() string { return c.sys.format(c.self()) }
