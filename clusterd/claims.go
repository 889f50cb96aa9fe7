package clusterd

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/lease"
)

// claimLimit is how many claims may wait. There are seldom two: an engine waits for
// an answer before it claims again, but for what it releases.
const claimLimit = 16

// clerk carries out what the core wants done with the lease outside the cluster,
// one claim after another in a goroutine of its own, since a store may take long.
// The core counts what it holds from when it asked, so answers may be late.
type clerk struct {
	store   lease.Store
	answer  func(claimAnswer)
	log     *slog.Logger
	claims  chan engine.Claim
	cancel  context.CancelFunc
	done    sync.WaitGroup
	trouble string // owned by the goroutine: what was last logged
}

// claimAnswer is what came of a claim.
type claimAnswer struct {
	owner string // the incarnation that claimed
	input core.Input
}

// newClerk starts a clerk; stop ends it.
func newClerk(store lease.Store, log *slog.Logger, answer func(claimAnswer)) *clerk {
	ctx, cancel := context.WithCancel(context.Background())
	c := &clerk{store: store, answer: answer, log: log, claims: make(chan engine.Claim, claimLimit), cancel: cancel}
	c.done.Add(1)
	go func() {
		defer c.done.Done()
		for claim := range c.claims {
			c.carryOut(ctx, claim)
		}
	}()
	return c
}

// put hands a claim over. One that finds no room is forgotten: the core claims
// again. Called by the loop, not after stop; a nil clerk has no store.
func (c *clerk) put(claim engine.Claim) {
	if c == nil {
		return
	}
	select {
	case c.claims <- claim:
	default:
	}
}

// stop waits until what was put has been carried out, as far as ctx allows.
func (c *clerk) stop(ctx context.Context) {
	if c == nil {
		return
	}
	close(c.claims)
	defer context.AfterFunc(ctx, c.cancel)()
	c.done.Wait()
	c.cancel()
}

// carryOut asks the store. An answer that comes later than the TTL is worth
// nothing, and one that comes soon leaves time to ask again.
func (c *clerk) carryOut(ctx context.Context, claim engine.Claim) {
	if claim.Release {
		bound, cancel := context.WithTimeout(ctx, stopTimeout)
		defer cancel()
		c.tell(c.store.Release(bound, claim.Owner))
		return
	}
	ctx, cancel := context.WithTimeout(ctx, claim.TTL/2)
	defer cancel()
	var grant lease.Grant
	var err error
	if claim.Renew {
		grant, err = c.store.Renew(ctx, claim.Owner, claim.TTL, claim.Note)
	} else {
		grant, err = c.store.Acquire(ctx, claim.Owner, claim.TTL)
	}
	c.tell(err)
	a := claimAnswer{owner: claim.Owner, input: core.Granted{Stamp: claim.Stamp, Number: grant.Number, Note: grant.Note}}
	if err != nil {
		a.input = core.Denied{Stamp: claim.Stamp, Lost: errors.Is(err, lease.ErrLost)}
	}
	c.answer(a)
}

// tell logs what is wrong with the store, once for each thing that is. That somebody
// else holds the lease is nothing wrong.
func (c *clerk) tell(err error) {
	text := ""
	if held := (*lease.HeldError)(nil); err != nil && !errors.As(err, &held) {
		text = err.Error()
	}
	if text != "" && text != c.trouble {
		c.log.Warn("the lease outside the cluster is not to be had", "error", text)
	}
	c.trouble = text
}

// startClerk starts the clerk of a node whose strategy has a lease.
func (n *Node) startClerk() {
	m, ok := n.cfg.Downing.(lease.Majority)
	if !ok {
		return
	}
	n.clerk = newClerk(m.Store, n.log, func(a claimAnswer) { n.inbox.put(a) })
}

// claimAnswered hands the core an answer, unless it is to a claim of a former
// incarnation. Called by the loop.
func (n *Node) claimAnswered(now time.Time, a claimAnswer) {
	if a.owner != n.self().String() {
		return
	}
	if err := n.core.Step(now, a.input); err != nil {
		n.log.Debug("an answer of the lease came too late", "error", err)
	}
}
