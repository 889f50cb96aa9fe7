package actor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	pa "github.com/asynkron/protoactor-go/actor"
)

// This file is for remote and for services such as sharding, not for applications.

// Sender is a process with bounded room. Ref.Send uses SendWait, which waits for
// room until ctx ends, in place of SendUserMessage.
type Sender interface {
	// SendWait returns nil once the message is on its way, else why it is not.
	SendWait(ctx context.Context, to *pa.PID, msg any) error
}

// Awaiter is a process whose answers come by a connection that who waits for one
// may read, in place of being woken by who does.
type Awaiter interface {
	// Await returns soon after answer holds something, after a few milliseconds,
	// or at once.
	Await(answer <-chan any)
}

// prefixTable is read at each delivery and written before traffic.
type prefixTable struct {
	mu   sync.Mutex
	list atomic.Pointer[[]prefixed]
}

type prefixed struct {
	prefix string
	p      pa.Process
}

func (t *prefixTable) add(prefix string, p pa.Process) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var list []prefixed
	if old := t.list.Load(); old != nil {
		list = append(list, *old...)
	}
	list = append(list, prefixed{prefix, p})
	t.list.Store(&list)
}

func (t *prefixTable) find(id string) pa.Process {
	if list := t.list.Load(); list != nil {
		for _, e := range *list {
			if strings.HasPrefix(id, e.prefix) {
				return e.p
			}
		}
	}
	return nil
}

// HandlePrefix routes what is delivered for ids that begin with prefix, such as
// "$entity/", to p. Its SendUserMessage gets a PID with the whole id, and the raw
// message, or a *pa.MessageEnvelope if somebody waits for an answer. Call it
// before traffic. It governs [System.Deliver] only: protoactor looks up local
// PIDs in its registry by itself, so local senders must call Deliver as well.
func (s *System) HandlePrefix(prefix string, p pa.Process) { s.prefixes.add(prefix, p) }

// Deliver hands in a user message for a local id; from is who waits for an answer,
// or nil. Ids "$ask/…" are answers. An id that ends in "#" and a UID in hex reaches
// that incarnation only. What cannot arrive is a dead letter with its reason. It
// does not wait for any actor.
func (s *System) Deliver(id string, from *pa.PID, msg any) { s.DeliverWith(id, from, nil, msg) }

// DeliverWith is Deliver with the headers of the message's envelope, nil if it has
// none. They are the receiver's, who finds them in [pa.Context].MessageHeader.
func (s *System) DeliverWith(id string, from *pa.PID, header map[string]string, msg any) {
	bare, uid, pinned := cutUID(id)
	to := &pa.PID{Address: s.proto.ProcessRegistry.Address, Id: bare}
	from = s.comeHome(from)
	switch p := s.prefixes.find(bare); {
	case pinned && uid != s.uid.Load():
		to.Id = id
		s.DeadLetter(to, from, msg, explain(ErrNoActor, "actor: that incarnation of the node is gone"))
	case strings.HasPrefix(bare, askPrefix):
		s.asks.answer(to, bare[len(askPrefix):], seal(msg, from, header))
	case isSystem(msg):
		s.DeadLetter(to, from, msg, explain(ErrMessageType, fmt.Sprintf("actor: %T is no user message", msg)))
	case p != nil:
		p.SendUserMessage(to, seal(msg, from, header))
	default:
		s.deliverActor(to, from, header, msg)
	}
}

// DeliverAnswer is DeliverWith for an id "$ask/…" without a UID, of which it keeps
// nothing: an answer that somebody waits for costs no memory but its own.
func (s *System) DeliverAnswer(id []byte, from *pa.PID, header map[string]string, msg any) {
	if n := len(askPrefix); len(id) > n && string(id[:n]) == askPrefix {
		if corr, err := strconv.ParseUint(string(id[n:]), 36, 64); err == nil && s.asks.complete(corr, msg) {
			return
		}
	}
	s.DeliverWith(string(id), from, header, msg)
}

// DeliverSystem hands in a system message that came from another node: a *pa.Watch,
// *pa.Unwatch, *pa.Terminated or *pa.Stop; others are ignored. The id may end in
// "#" and a UID. Who watches an actor that is not there gets *pa.Terminated.
func (s *System) DeliverSystem(id string, msg any) {
	bare, uid, pinned := cutUID(id)
	to := &pa.PID{Address: s.proto.ProcessRegistry.Address, Id: bare}
	p, ok := s.proto.ProcessRegistry.GetLocal(bare)
	present := ok && !isInternal(bare) && (!pinned || uid == s.uid.Load())
	switch msg := msg.(type) {
	case *pa.Watch:
		if !present {
			s.sendSystem(msg.Watcher, &pa.Terminated{Who: to, Why: pa.TerminatedReason_NotFound})
			return
		}
	case *pa.Unwatch, *pa.Terminated, *pa.Stop:
	default:
		return
	}
	if present {
		p.SendSystemMessage(to, msg)
	}
}

// comeHome gives an asker of this system its local form again: its question may
// have been passed on to another node and come back, or not have left at all.
func (s *System) comeHome(from *pa.PID) *pa.PID {
	if from == nil || !s.isLocal(from) {
		return from
	}
	if corr, ok := strings.CutPrefix(from.Id, askPrefix); ok {
		return &pa.PID{Address: askAddress, Id: corr}
	}
	return from
}

func (s *System) deliverActor(to, from *pa.PID, header map[string]string, msg any) {
	p, ok := s.proto.ProcessRegistry.GetLocal(to.Id)
	if !ok || isInternal(to.Id) {
		s.DeadLetter(to, from, msg, s.absent(to.Id))
		return
	}
	p.SendUserMessage(to, seal(msg, from, header))
}

func isSystem(msg any) bool {
	_, ok := msg.(pa.SystemMessage)
	return ok
}

// isInternal tells the processes that are nobody's business from outside;
// protoactor's guardians even panic at a message.
func isInternal(id string) bool {
	return id == guardianID || id == "deadletter" || id == "eventstream" || strings.HasPrefix(id, "guardian$")
}

func wrap(msg any, from *pa.PID) any { return seal(msg, from, nil) }

// seal is a message with who waits for an answer and its headers, if any.
func seal(msg any, from *pa.PID, header map[string]string) any {
	if from == nil && len(header) == 0 {
		return msg
	}
	return &pa.MessageEnvelope{Message: msg, Sender: from, Header: header}
}

// Portable returns the address and the id under which other nodes can answer pid:
// what is local gets this node's address, an asker the id "$ask/…".
func (s *System) Portable(pid *pa.PID) (address, id string) {
	switch {
	case pid == nil:
		return "", ""
	case pid.Address == askAddress:
		return s.address, askPrefix + pid.Id
	case s.isLocal(pid):
		return s.address, pid.Id
	}
	return pid.Address, pid.Id
}

// NodeRemoved ends the asks that wait for an answer of the node at address with
// ErrNodeRemoved. Those to a ref that names another incarnation wait on.
func (s *System) NodeRemoved(address string, uid uint64) {
	s.asks.endAll(func(c *call) bool {
		if c.to == nil || c.to.Address != address {
			return false
		}
		_, of, pinned := cutUID(c.to.Id)
		return !pinned || of == uid
	}, refusal(explain(ErrNodeRemoved, fmt.Sprintf("%v: %s#%s", ErrNodeRemoved, address, strconv.FormatUint(uid, 16)))), false)
}
