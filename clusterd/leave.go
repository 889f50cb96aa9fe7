package clusterd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// Leave hands over what this node runs, leaves the cluster and stops. It
// returns nil once everything has ended. When ctx ends first, the node stops
// at once, the others find it gone, and Leave returns ctx's error. Calling it
// again, or after the node has ended, is harmless.
func (n *Node) Leave(ctx context.Context) error {
	n.inbox.put(leave{})
	select {
	case <-n.done:
		return nil
	case <-ctx.Done():
		n.stop()
		<-n.done
		return fmt.Errorf("clusterd: leave: %w", context.Cause(ctx))
	}
}

// Close is Leave within Config.LeaveTimeout, for defer.
func (n *Node) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.LeaveTimeout)
	defer cancel()
	return n.Leave(ctx)
}

// Down asks the cluster to remove the member at address, which an operator
// knows to be gone or wants gone. It returns once this node has taken the wish
// up; the removal shows in Events. Errors: ErrNotMember before this node is a
// member, ErrStopped, ctx's, and one that names an unknown address.
func (n *Node) Down(ctx context.Context, address string) error {
	return n.command(ctx, "down "+address, core.Down{Address: address})
}

// Shutdown stops the whole cluster: once a view says so nobody is let in and
// nothing is handed over or taken over any more; each node stops what it hosts,
// leaves and ends, and its phases of leaving run. It returns once this node has
// taken the wish up; Done tells when this node has ended. It needs a leader with
// a quorum. Errors: ErrNotMember, ErrStopped, ctx's.
func (n *Node) Shutdown(ctx context.Context) error {
	return n.command(ctx, "shutdown", core.Shutdown{})
}

// Recover is an operator's word that the members which this node does not hear
// are gone for good, when so many are that no quorum is left: this node and the
// voters that it hears go on without them, under a new branch of the cluster's
// identity. Call it once the View shows who is gone as unreachable: who is not
// missed yet counts as heard, and it may take a second call then. Should the
// others live after all, both sides find each other as islands: see
// IslandDetected and Config.ReportIslands. It returns once this node has taken
// the wish up. Errors: one that says so while this node has a
// quorum, ErrNotMember, ErrStopped, ctx's.
func (n *Node) Recover(ctx context.Context) error {
	return n.command(ctx, "recover", core.Recover{})
}

// Yield is an operator's word about an island, another cluster of the same name
// that IslandDetected told of: the cluster of this node ends, and all its nodes
// join the other one. What they had in memory is lost. It returns once this node
// has taken the wish up; where no island is known nothing happens. Errors:
// ErrStopped, ctx's.
func (n *Node) Yield(ctx context.Context) error {
	return n.command(ctx, "yield", core.Yield{})
}

// command has the core take an input.
func (n *Node) command(ctx context.Context, verb string, in core.Input) error {
	done := make(chan error, 1)
	if !n.inbox.put(command{in, done}) {
		return ErrStopped
	}
	select {
	case err := <-done:
		switch {
		case errors.Is(err, engine.ErrNotMember):
			return fmt.Errorf("clusterd: %s: %w", verb, ErrNotMember)
		case err != nil && !errors.Is(err, ErrStopped):
			return fmt.Errorf("clusterd: %s: %w", verb, err)
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("clusterd: %s: %w", verb, context.Cause(ctx))
	}
}

// stop ends the loop without leaving.
func (n *Node) stop() { n.haltOnce.Do(func() { close(n.halt) }) }

// beginLeave starts with the phase in which the node still does all its work.
// Called by the loop.
func (n *Node) beginLeave() {
	if n.leaving {
		return
	}
	n.leaving = true
	n.enterPhase(BeforeLeave)
}

// phaseOver goes on with leaving. Called by the loop.
func (n *Node) phaseOver(now time.Time, p Phase) {
	switch p {
	case BeforeLeave:
		n.depart(now)
	case HandedOver:
		if err := n.core.Step(now, core.Drained{}); err != nil {
			n.log.Debug("drained too late", "error", err)
		}
	}
}

// depart passes the wish to leave on to the core. A node that never joined has
// nobody to tell and just ends.
func (n *Node) depart(now time.Time) {
	if n.core.Snapshot().Identity.IsZero() { // it never joined, or is about to rejoin
		n.over = true
		return
	}
	if err := n.core.Step(now, core.Leave{}); err != nil {
		n.log.Warn("leave refused; stopping", "error", err)
		n.over = true
		return
	}
	if n.core.Snapshot().Shutdown {
		n.askToDrain(now) // no view makes it Leaving: nothing is handed over
	}
}
