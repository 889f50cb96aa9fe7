package discovery

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"time"
)

// Config of [Watch].
type Config struct {
	Source  Source        // required
	Every   time.Duration // between two looks; 0 = 5 s
	Margin  time.Duration // for so long a list must have stayed the same to be Stable; 0 = 5 s
	Timeout time.Duration // of one look; 0 = 5 s
	Backoff time.Duration // after the first failure, doubled with each further one up to 30 s; 0 = 500 ms
	Logger  *slog.Logger  // nil = slog.Default
}

// maxBackoff bounds the pause after failures.
const maxBackoff = 30 * time.Second

// List is what is known of the contact points.
type List struct {
	Addresses []string // sorted, at most Limit; never empty
	Stable    bool     // it has not changed for the margin
}

// Validate tells what is wrong with the configuration: an ErrConfig, or nil.
func (c Config) Validate() error {
	_, err := c.withDefaults()
	return err
}

func (c Config) withDefaults() (Config, error) {
	if c.Source == nil {
		return c, fmt.Errorf("%w: Source is missing", ErrConfig)
	}
	for _, d := range []time.Duration{c.Every, c.Margin, c.Timeout, c.Backoff} {
		if d < 0 {
			return c, fmt.Errorf("%w: %v is negative", ErrConfig, d)
		}
	}
	c.Every = cmp.Or(c.Every, 5*time.Second)
	c.Margin = cmp.Or(c.Margin, 5*time.Second)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	c.Backoff = cmp.Or(c.Backoff, 500*time.Millisecond)
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c, nil
}

// Watch looks at the source until ctx ends, and calls changed, on this
// goroutine, with each new list at once, and again when it has become stable.
// Contact points that start together trickle in: a list that still changes is
// good enough to join by, and not to found on. The error is ErrConfig or ctx's.
func Watch(ctx context.Context, cfg Config, changed func(List)) error {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return err
	}
	w := watch{cfg: cfg, changed: changed}
	for {
		timer := time.NewTimer(w.look(ctx))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// watch is the state of one Watch, owned by its goroutine.
type watch struct {
	cfg     Config
	changed func(List)
	now     List
	since   time.Time // when the list last changed
	fails   int       // in a row
	told    string    // the failure that was logged last
}

// look asks the source once and returns the pause until the next look.
func (w *watch) look(ctx context.Context) time.Duration {
	found, err := w.discover(ctx)
	switch {
	case ctx.Err() != nil:
		return 0
	case err != nil:
		return w.failed(err)
	case w.fails > 0:
		w.cfg.Logger.Info("discovery works again", "contacts", len(found))
		w.fails, w.told = 0, ""
	}
	w.take(found)
	pause := w.cfg.Every
	if !w.now.Stable && len(w.now.Addresses) > 0 { // to notice in time that it is
		pause = min(pause, max(w.cfg.Margin/5, 10*time.Millisecond))
	}
	return jitter(pause)
}

func (w *watch) discover(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	list, err := w.cfg.Source.Discover(ctx)
	if err != nil {
		return nil, err
	}
	tidied, dropped, err := tidy(list)
	if dropped > 0 {
		w.cfg.Logger.Warn("discovery found more contact points than are used", "used", len(tidied), "dropped", dropped)
	}
	return tidied, err
}

// take compares what was found with what is known.
func (w *watch) take(found []string) {
	switch now := time.Now(); {
	case len(found) == 0:
		w.since = now // whatever comes next is news
	case !slices.Equal(found, w.now.Addresses):
		w.cfg.Logger.Info("contact points changed", "contacts", found)
		w.now, w.since = List{Addresses: found}, now
		w.changed(w.now)
	case !w.now.Stable && now.Sub(w.since) >= w.cfg.Margin:
		w.now.Stable = true
		w.changed(w.now)
	}
}

// failed logs a failure, the same one once, and returns how long to wait. What
// was known stays; it is not stable before it was seen again for the margin.
func (w *watch) failed(err error) time.Duration {
	if text := err.Error(); text != w.told {
		w.told = text
		w.cfg.Logger.Warn("discovery failed; the last list stays", "error", err, "contacts", len(w.now.Addresses))
	}
	pause := min(w.cfg.Backoff<<min(w.fails, 10), maxBackoff)
	w.fails++
	w.since = time.Now()
	return jitter(pause)
}

// jitter spreads a pause by a fifth either way, so that nodes that were started
// together do not look together for ever.
func jitter(d time.Duration) time.Duration {
	return d - d/5 + time.Duration(rand.Int64N(int64(2*d/5)+1))
}
