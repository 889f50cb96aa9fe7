package actor

import (
	"context"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// process is a core as protoactor's registry knows it. It is a type of its own
// since pa.Process.Stop and pa.Context.Stop differ in meaning only.
type process core

// SendUserMessage queues a message.
func (p *process) SendUserMessage(pid *pa.PID, msg any) {
	c := (*core)(p)
	if !c.dead.Load() {
		c.postUser(msg)
		return
	}
	c.sys.sendPastDead(pid, c, msg)
}

// SendSystemMessage queues a message ahead of all user messages.
func (p *process) SendSystemMessage(pid *pa.PID, msg any) {
	c := (*core)(p)
	if c.dead.Load() {
		if q, ok := c.sys.proto.ProcessRegistry.GetLocal(c.id()); ok {
			q.SendSystemMessage(pid, msg)
			return
		}
	}
	c.postSystem(msg) // a dead cell still answers a Watch
	if _, ok := msg.(*pa.ResumeMailbox); ok {
		c.postSystem(resumed{})
	}
}

// Stop orders the actor to stop before its next message.
func (p *process) Stop(pid *pa.PID) { p.SendSystemMessage(pid, stopMessage) }

// SendWait is SendUserMessage that waits for room in a bounded mailbox.
func (p *process) SendWait(ctx context.Context, pid *pa.PID, msg any) error {
	c := (*core)(p)
	if c.other == nil || c.dead.Load() {
		p.SendUserMessage(pid, msg)
		return nil
	}
	w, ok := c.other.Mailbox.(mailbox.Waiter)
	if !ok {
		p.SendUserMessage(pid, msg)
		return nil
	}
	if err := w.PostWait(ctx, msg); err != nil {
		return boxError(err)
	}
	return nil
}

// resumed tells the cell what its mailbox keeps to itself: that it runs again.
type resumed struct{}

// Messages without content are shared.
var (
	startedMessage    = &pa.Started{}
	stoppingMessage   = &pa.Stopping{}
	stoppedMessage    = &pa.Stopped{}
	restartingMessage = &pa.Restarting{}
	stopMessage       = &pa.Stop{}
	restartMessage    = &pa.Restart{}
	suspendMessage    = &pa.SuspendMailbox{}
	resumeMessage     = &pa.ResumeMailbox{}
	poisonMessage     = &pa.PoisonPill{}
)

// sendPastDead is for a PID that remembers the process of an actor that is gone:
// its name may be another's by now.
func (s *System) sendPastDead(pid *pa.PID, gone *core, msg any) {
	if q, ok := s.proto.ProcessRegistry.GetLocal(gone.id()); ok {
		q.SendUserMessage(pid, plainMessage(msg))
		return
	}
	gone.undelivered(msg, s.absent(gone.id()))
}

// register makes the cell known by an id; false means that it is taken.
func (s *System) register(id string, c *core) bool {
	return s.proto.ProcessRegistry.LocalPIDs.GetBucket(id).SetIfAbsent(id, (*process)(c))
}

// forget takes an id out of the registry.
func (s *System) forget(id string) { s.proto.ProcessRegistry.LocalPIDs.GetBucket(id).Remove(id) }

// admit makes a new cell known; false means that its id is taken.
func (s *System) admit(c *core) bool {
	if c.name == nil {
		s.roster.add(c)
		return true
	}
	return s.register(*c.name, c)
}

// unregister takes it out again. It is marked only then: who finds the mark looks
// for a successor under the same id.
func (s *System) unregister(c *core) {
	if c.name == nil {
		s.roster.remove(c)
		return
	}
	s.forget(*c.name)
	c.dead.Store(true)
}

// coreOf finds the cell of a local actor; nil if there is none, or it is not ours.
func (s *System) coreOf(pid *pa.PID) *core {
	if pid == nil || !s.isLocal(pid) {
		return nil
	}
	p, _ := s.proto.ProcessRegistry.GetLocal(pid.Id)
	q, _ := p.(*process)
	return (*core)(q)
}
