package clusterd

import (
	"context"
	"errors"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/internal/wire"
	"github.com/pando-go/pando/remote"
)

// stopTimeout bounds how long services, actors and connections may take to
// stop when the node ends.
const stopTimeout = 5 * time.Second

// loop owns the core and the services. It ends when the node is removed, has
// left, or is told to halt.
func (n *Node) loop() {
	defer n.finish()
	n.wake = time.Now() // the first Tick starts the core
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-n.halt:
			return
		case <-n.cfg.Harness.Killed:
			return
		case <-n.inbox.ready:
		case <-timer.C:
		}
		n.cfg.Harness.Gate.Wait()
		for _, item := range n.inbox.take() {
			n.step(time.Now(), item)
		}
		now := time.Now()
		n.tick(now)
		if n.carryOut(now) && !n.rejoin() || n.over {
			return
		}
		n.watchFence(now)
		timer.Reset(n.nextTick(now))
	}
}

// step dispatches one item of the inbox.
func (n *Node) step(now time.Time, item any) {
	switch item := item.(type) {
	case packet:
		n.receive(now, item)
	case sendFailed:
		n.sendFailed(now, item)
	case command:
		err := n.core.Step(now, item.input)
		if item.done != nil {
			item.done <- err
		}
	case leave:
		n.beginLeave()
	case phaseOver:
		n.phaseOver(now, item.phase)
	case claimAnswer:
		n.claimAnswered(now, item)
	case core.Seeds:
		n.contacts = item
		n.tellContacts(now)
	case poked:
		if a := n.attachment(item.service); a != nil {
			a.tick = now
		}
	case drained:
		n.drain(item.service)
	}
}

func (n *Node) receive(now time.Time, p packet) {
	if p.service != memberService {
		if a := n.attachment(p.service); a != nil {
			a.service.Receive(p.from, p.payload)
		}
		return
	}
	in, err := wire.Decode(p.from, p.payload)
	if err == nil {
		err = n.core.Step(now, in)
	}
	if err != nil {
		n.log.Debug("control packet refused", "from", p.from, "error", err)
	}
}

func (n *Node) sendFailed(now time.Time, f sendFailed) {
	if f.service != memberService {
		if a := n.attachment(f.service); a != nil {
			a.service.SendFailed(f.to, f.payload, f.err)
		}
		return
	}
	in := core.SendFailed{To: f.to, Nobody: errors.Is(f.err, remote.ErrNobody)}
	if refused := (*remote.RefusedError)(nil); errors.As(f.err, &refused) {
		in.Refused, in.Exceed = refused.Text, refused.Exceed
	}
	if err := n.core.Step(now, in); err != nil {
		n.log.Debug("failed send ignored", "to", f.to, "error", err)
	}
}

// tick passes time on to the core and to the services that wait for it.
func (n *Node) tick(now time.Time) {
	if !n.wake.IsZero() && !now.Before(n.wake) {
		n.core.Tick(now)
	}
	for _, a := range n.attached {
		if !a.tick.IsZero() && !now.Before(a.tick) {
			a.tick = a.service.Tick(now)
		}
	}
}

// nextTick is how long the loop may sleep.
func (n *Node) nextTick(now time.Time) time.Duration {
	next := n.wake
	if until := n.core.Lease().Until; n.held && (next.IsZero() || until.Before(next)) {
		next = until
	}
	for _, a := range n.attached {
		if !a.tick.IsZero() && (next.IsZero() || a.tick.Before(next)) {
			next = a.tick
		}
	}
	if next.IsZero() {
		return time.Hour
	}
	return max(next.Sub(now), 0)
}

// carryOut does what the core asks for until it asks for nothing more. It
// reports whether this node is no longer a member.
func (n *Node) carryOut(now time.Time) (removed bool) {
	for {
		rd := n.core.Ready()
		n.wake = rd.Wake
		n.fence.set(n.core.Lease()) // before packets may tell others that it is given up
		for _, p := range rd.Packets {
			n.send(p)
		}
		for _, c := range rd.Claims {
			n.clerk.put(c)
		}
		for _, note := range rd.Notes {
			n.take(note)
		}
		n.hub.publish(rd.Events, n.core.Snapshot())
		for _, e := range rd.Events {
			removed = n.apply(now, e) || removed
		}
		if removed || len(rd.Packets)+len(rd.Notes)+len(rd.Events) == 0 {
			return removed
		}
	}
}

func (n *Node) send(p *core.Packet) {
	payload, err := wire.Append(nil, p)
	if err != nil {
		n.log.Error("control packet cannot be encoded", "to", p.To, "error", err)
		return
	}
	n.post(p.To, memberService, payload)
}

// take logs a note and keeps it for Ready, which rather tells of a refusal than
// of the waiting that follows it.
func (n *Node) take(note core.Note) {
	n.mu.Lock()
	if note.Refused || !n.note.Refused {
		n.note = note
	}
	n.mu.Unlock()
	if note.Refused {
		n.log.Warn("refused by the cluster", "by", note.By, "reason", note.Text)
		return
	}
	n.log.Info(note.Text)
}

// apply lets the parts of the node follow one event.
func (n *Node) apply(now time.Time, e engine.Event) (removed bool) {
	switch e := e.(type) {
	case engine.MemberChanged:
		n.memberChanged(now, e)
	case engine.ReachabilityChanged:
		n.log.Info("reachability changed", "member", e.Member.Address, "reachable", e.Member.Reachable)
	case engine.LeaderChanged:
		n.log.Info("leader changed", "leader", e.Leader)
	case engine.ViewActive:
		n.viewActive(now, e)
	case engine.ClusterShutdown:
		n.log.Info("the whole cluster is shutting down")
		n.beginLeave()
	case engine.SelfRemoved:
		n.selfRemoved(e)
		return true
	}
	return false
}

func (n *Node) memberChanged(now time.Time, e engine.MemberChanged) {
	m := e.Member
	n.log.Info("member changed", "member", m.Address, "status", m.Status.String())
	switch {
	case m.Status == member.Removed:
		n.life.Load().remote.Removed(remote.Node(m.Node))
	case e.Previous == 0:
		n.life.Load().remote.Known(remote.Node(m.Node))
	}
	if m.Node == n.self() && m.Status == member.Up {
		n.raise(now)
	}
}

// raise notes that this incarnation is Up, which it becomes once.
func (n *Node) raise(now time.Time) {
	if !n.upSince.IsZero() {
		return
	}
	n.upSince = now
	n.mu.Lock()
	defer n.mu.Unlock()
	close(n.up)
	n.note = core.Note{}
}

// viewActive hands a view to the services, which move what they place.
func (n *Node) viewActive(now time.Time, v engine.ViewActive) {
	for _, a := range n.attached {
		a.service.ViewActive(v)
		a.tick = now
	}
	for _, m := range v.Members {
		if m.Node == n.self() && m.Status == member.Leaving {
			n.askToDrain(now)
		}
	}
}

func (n *Node) askToDrain(now time.Time) {
	if n.asked {
		return
	}
	n.asked = true
	for _, a := range n.attached {
		a.service.Leaving()
		a.tick = now
	}
	n.drain("")
}

// drain notes that a service has handed over. When all have, the next phase
// begins, after which the core is told.
func (n *Node) drain(service string) {
	if a := n.attachment(service); a != nil {
		a.drained = true
	}
	for _, a := range n.attached {
		if !a.drained {
			return
		}
	}
	n.enterPhase(HandedOver)
}

func (n *Node) selfRemoved(e engine.SelfRemoved) {
	switch {
	case n.leaving, e.Cause == member.CauseLeft.String(): // the latter when all were told to stop
		n.leaving = true
		n.log.Info("left the cluster")
	case n.cfg.StopWhenRemoved:
		n.log.Error("removed from the cluster", "cause", e.Cause)
		n.fail(ErrRemoved)
	default:
		n.log.Warn("removed from the cluster; joining again under a new UID", "cause", e.Cause)
	}
}

// fail keeps the first verdict on why the node ends.
func (n *Node) fail(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.pinned == nil {
		n.pinned = err
	}
}

// afterLeave is the last phase; a node that is cut short has none.
func (n *Node) afterLeave() {
	select {
	case <-n.halt:
		return
	case <-n.cfg.Harness.Killed:
		return
	default:
	}
	ctx, cancel := n.untilHalt(nil)
	defer cancel()
	if tasks := n.phases.begin(AfterLeave); len(tasks) > 0 {
		n.runTasks(ctx, AfterLeave, tasks)
	}
}

// finish stops everything that Start began, in the reverse order.
func (n *Node) finish() {
	close(n.looped)
	n.background.Wait()
	n.dropFence() // nothing hosted begins any more
	n.afterLeave()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	n.stopDiscovery()
	n.clerk.stop(ctx)
	for _, item := range n.inbox.close() {
		if c, ok := item.(command); ok && c.done != nil {
			c.done <- ErrStopped
		}
	}
	for _, a := range n.attached {
		a.service.Stop(ctx)
	}
	if err := n.life.Load().remote.Close(ctx); err != nil {
		n.log.Warn("connections did not close in time", "error", err)
	}
	if err := n.sys.Close(ctx); err != nil {
		n.log.Warn("actors did not stop in time", "error", err)
	}
	n.hub.end()
	n.mu.Lock()
	n.err = n.pinned
	n.mu.Unlock()
	close(n.done)
}

// closeSystem undoes a Start that failed half-way.
func (n *Node) closeSystem() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := n.sys.Close(ctx); err != nil {
		n.log.Warn("actors did not stop in time", "error", err)
	}
}
