package clusterd

import (
	"context"
	"errors"
	"fmt"
	"time"

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
	done := make(chan error, 1)
	if !n.inbox.put(command{core.Down{Address: address}, done}) {
		return ErrStopped
	}
	select {
	case err := <-done:
		if err != nil && !errors.Is(err, ErrStopped) {
			return fmt.Errorf("clusterd: down %s: %w", address, err)
		}
		return err
	case <-ctx.Done():
		return fmt.Errorf("clusterd: down %s: %w", address, context.Cause(ctx))
	}
}

// Yield is an operator's word about an island, another cluster of the same name
// that IslandDetected told of: the cluster of this node ends, and all its nodes
// join the other one. What they had in memory is lost. It returns once this node
// has taken the wish up; where no island is known nothing happens. Errors:
// ErrStopped, ctx's.
func (n *Node) Yield(ctx context.Context) error {
	done := make(chan error, 1)
	if !n.inbox.put(command{core.Yield{}, done}) {
		return ErrStopped
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("clusterd: yield: %w", context.Cause(ctx))
	}
}

// stop ends the loop without leaving.
func (n *Node) stop() { n.haltOnce.Do(func() { close(n.halt) }) }

// beginLeave passes the wish on to the core. A node that never joined has
// nobody to tell and just stops. Called by the loop.
func (n *Node) beginLeave(now time.Time) {
	if n.leaving {
		return
	}
	n.leaving = true
	if n.core.Snapshot().Identity.IsZero() { // it never joined, or is about to rejoin
		n.stop()
		return
	}
	if err := n.core.Step(now, core.Leave{}); err != nil {
		n.log.Warn("leave refused; stopping", "error", err)
		n.stop()
	}
}
