package clusterd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/member"
	"github.com/pando-go/pando/clusterd/internal/core"
)

// A node that finds itself removed comes back in the same process. The order
// matters: what may run once in the cluster must have stopped before anybody
// could give it to the new incarnation, and a goroutine cannot be killed. So the
// services first end what they host and wait for the handlers that run; if one
// does not return, the node ends rather than rejoins (finding 23). Then the
// connections go, which were agreed under the old UID; then a new core, under a
// new UID, seeks the cluster as a freshly started process would.

const (
	lasting    = time.Minute      // an incarnation that was Up for so long was no failure
	retryFirst = time.Second      // before the second rejoin in a row
	retryMost  = 30 * time.Second // before any
	bindEvery  = 100 * time.Millisecond
	farewell   = time.Second // for what waits to be sent under the old UID
)

// rejoin begins a new life after a removal. False: the node ends.
func (n *Node) rejoin() bool {
	if n.leaving || n.cfg.StopWhenRemoved {
		return false
	}
	ctx, cancel := n.untilHalt(nil)
	defer cancel()
	n.lower()
	n.dropFence()
	err := n.dropHosted(ctx)
	if err == nil {
		err = n.reincarnate(ctx)
	}
	switch {
	case ctx.Err() != nil: // told to halt meanwhile
		return false
	case err != nil:
		n.log.Error("cannot rejoin", "error", err)
		n.fail(fmt.Errorf("%w: %w", ErrRemoved, err))
		return false
	}
	return true
}

// untilHalt returns a context that ends when the node is told to stop, or with
// also, and what ends the watch for that.
func (n *Node) untilHalt(also <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-n.halt:
			cancel()
		case <-n.cfg.Harness.Killed:
			cancel()
		case <-also:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(); <-ended }
}

// lower makes Ready wait again.
func (n *Node) lower() {
	if n.upSince.IsZero() {
		return
	}
	if time.Since(n.upSince) >= lasting {
		n.retries = 0
	}
	n.upSince, n.asked = time.Time{}, false
	n.mu.Lock()
	defer n.mu.Unlock()
	n.up = make(chan struct{})
}

// dropHosted has all services end what they run here.
func (n *Node) dropHosted(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.LeaveTimeout)
	defer cancel()
	var errs []error
	for _, a := range n.attached {
		if err := a.service.Removed(ctx); err != nil {
			errs = append(errs, fmt.Errorf("service %s does not stop: %w", a.name, err))
		}
		a.tick, a.drained = time.Time{}, false
	}
	return errors.Join(errs...)
}

// reincarnate replaces the connections and the core. Between two rejoins that
// follow each other closely it pauses, so that a node that is removed over and
// over does not keep its cluster busy.
func (n *Node) reincarnate(ctx context.Context) error {
	old := n.life.Load().remote
	bound, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	// An error means that something under way was not sent: it has become dead letters.
	_ = old.Close(bound)
	if err := n.pause(ctx); err != nil {
		return err
	}
	ln, err := n.bindAgain(ctx)
	if err != nil {
		return err
	}
	heir := n.core.Heir()
	self := member.Node{Address: n.address, UID: nextUID(time.Now(), n.rng, heir.Exceed)}
	c, err := n.newCore(self, heir)
	if err != nil {
		ln.Close()
		return err
	}
	n.sys.Reincarnate(self.UID)
	r, err := old.Succeed(ln)
	if err != nil {
		ln.Close()
		return err
	}
	n.start(c)
	n.live(self, r)
	return nil
}

// start makes c the core and tells readers of Events that all begins anew.
func (n *Node) start(c *core.Core) {
	n.core, n.wake = c, time.Now()
	n.tellContacts(n.wake)
	n.mu.Lock()
	n.note = core.Note{}
	n.mu.Unlock()
	first := c.Snapshot()
	n.hub.publish([]engine.Event{first}, first)
}

// pause waits longer with each rejoin that did not last.
func (n *Node) pause(ctx context.Context) error {
	n.retries++
	if n.retries == 1 {
		return nil
	}
	d := min(retryFirst<<min(n.retries-2, 10), retryMost)
	return sleep(ctx, d/2+time.Duration(n.rng.Int64N(int64(d/2))))
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// bindAgain listens where the node listened before. Somebody else may hold the
// port for a moment, such as a connection of this machine that goes out.
func (n *Node) bindAgain(ctx context.Context) (net.Listener, error) {
	cfg := n.cfg
	cfg.Listen = n.bound
	for end := time.Now().Add(n.cfg.LeaveTimeout); ; {
		ln, err := cfg.listen(ctx)
		if err == nil || time.Now().After(end) {
			return ln, err
		}
		if err := sleep(ctx, bindEvery); err != nil {
			return nil, err
		}
	}
}
