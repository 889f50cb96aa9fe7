package clusterd

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
	"github.com/pando-go/pando/clusterd/engine/downing"
	"github.com/pando-go/pando/clusterd/internal/core"
	"github.com/pando-go/pando/clusterd/lease"
)

func TestLeaseConfig(t *testing.T) {
	for _, c := range []struct {
		name string
		s    downing.Strategy
		text string // "" = good
	}{
		{"good", lease.Majority{Store: slowStore{}}, ""},
		{"no store", lease.Majority{}, "without a Store"},
		{"no lease", downing.LeaseMajority{}, "needs its lease"},
		{"too short", lease.Majority{LeaseMajority: downing.LeaseMajority{TTL: time.Second}, Store: slowStore{}}, "at least Timing.LeaseFor"},
	} {
		cfg := Config{Name: "x", Listen: "127.0.0.1:0", Seeds: []string{"127.0.0.1:1"}, Downing: c.s}
		err := cfg.validate()
		if (err == nil) != (c.text == "") || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.text)
		}
	}
}

// slowStore never answers before its context ends.
type slowStore struct{}

func (slowStore) Acquire(ctx context.Context, _ string, _ time.Duration) (lease.Grant, error) {
	<-ctx.Done()
	return lease.Grant{}, ctx.Err()
}

func (slowStore) Renew(ctx context.Context, _ string, _ time.Duration, _ string) (lease.Grant, error) {
	<-ctx.Done()
	return lease.Grant{}, lease.ErrLost
}

func (slowStore) Release(ctx context.Context, _ string) error {
	<-ctx.Done()
	return errors.New("no answer")
}

// TestClerkBoundsAStore: a store that does not answer is given up in time to claim
// again, and a stop waits no longer than its context.
func TestClerkBoundsAStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answers []claimAnswer
		c := newClerk(slowStore{}, slog.New(slog.DiscardHandler), func(a claimAnswer) { answers = append(answers, a) })
		began := time.Now()
		c.put(engine.Claim{Stamp: 1, Owner: "a", TTL: 4 * time.Second})
		c.put(engine.Claim{Stamp: 2, Owner: "a", TTL: 4 * time.Second, Renew: true})
		time.Sleep(5 * time.Second)
		synctest.Wait()
		want := []claimAnswer{{"a", core.Denied{Stamp: 1}}, {"a", core.Denied{Stamp: 2, Lost: true}}}
		if len(answers) != 2 || answers[0] != want[0] || answers[1] != want[1] {
			t.Errorf("got %v, want %v", answers, want)
		}
		for range 2 * claimLimit { // what finds no room is forgotten
			c.put(engine.Claim{Owner: "a", Release: true})
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c.stop(ctx)
		if took := time.Since(began); took > 7*time.Second {
			t.Errorf("stopped after %v, want 6 s", took)
		}
	})
	var none *clerk // of a node without a store
	none.put(engine.Claim{})
	none.stop(t.Context())
}
