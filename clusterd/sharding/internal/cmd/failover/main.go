// Command failover kills primaries with SIGKILL under load, one after the other,
// and prints for how long no write of theirs was acknowledged. In the end it checks
// that what clients saw is linearizable.
//
//	go run ./clusterd/sharding/internal/cmd/failover -n 200 -preset fast
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/sharding/internal/trial"
)

// options are the command's flags.
type options struct {
	trial.Setup
	n     int
	level string
	keys  int
	seed  uint64
}

func main() {
	trial.Main()
	var o options
	o.Flags()
	flag.IntVar(&o.n, "n", 20, "how many primaries to kill")
	flag.StringVar(&o.level, "level", "quorum", "acknowledgement: async, quorum or all")
	flag.IntVar(&o.keys, "keys", 16, "how many keys the clients use, four clients each")
	flag.Uint64Var(&o.seed, "seed", 1, "decides whom to kill, and when")
	trial.Command(o.run)
}

// run is the whole trial.
func (o *options) run(ctx context.Context, out io.Writer) error {
	o.Patience = 300 * time.Millisecond
	for l := durable.Quorum; l <= durable.All; l++ {
		if l.String() == o.level {
			o.Level = l
		}
	}
	return o.Run(ctx, func(c *trial.Cluster) error { return o.kills(ctx, c, out) })
}

// kills kills one primary after the other and reports.
func (o *options) kills(ctx context.Context, c *trial.Cluster, out io.Writer) error {
	rng := rand.New(rand.NewPCG(o.seed, 0))
	var sum total
	for i := range o.n {
		load := c.Begin(ctx, fmt.Sprint("round ", i), o.keys, 4)
		outage, err := kill(ctx, c, load, rng)
		if err != nil {
			return fmt.Errorf("kill %d: %w", i+1, err)
		}
		sum.add(load, outage)
		fmt.Fprintf(out, "kill %3d: outage %v, the machine late by up to %v\n", i+1, outage.Round(time.Millisecond), c.Late())
	}
	sum.report(out, *o)
	if len(sum.bad)+len(sum.changed) > 0 {
		return fmt.Errorf("not linearizable: %v; changed later: %v", sum.bad, sum.changed)
	}
	return nil
}

// kill kills a node that is the primary of some keys, waits until each key has been
// written again, and brings the node back.
func kill(ctx context.Context, c *trial.Cluster, load *trial.Load, rng *rand.Rand) (time.Duration, error) {
	if err := load.WaitAll(time.Time{}); err != nil {
		return 0, err
	}
	time.Sleep(time.Duration(rng.IntN(400)) * time.Millisecond)
	victim := c.IndexOf(load.PrimaryOf(load.Keys()[rng.IntN(len(load.Keys()))]))
	if victim < 0 {
		return 0, errors.New("a key has no primary")
	}
	lost := map[string]bool{}
	for _, key := range load.Keys() {
		lost[key] = load.PrimaryOf(key) == c.Address(victim)
	}
	load.Gap(nil) // what was before does not count
	c.Kill(victim)
	if err := load.WaitAll(time.Now()); err != nil {
		return 0, err
	}
	outage := load.Gap(func(key string) bool { return lost[key] })
	if err := c.Run(victim); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return outage, c.Settle(ctx)
}

// total is the sum of all rounds.
type total struct {
	outages               []time.Duration
	acked, read           int64
	loads                 []*trial.Load
	bad, unknown, changed []string
}

func (t *total) add(load *trial.Load, outage time.Duration) {
	bad, unknown := load.End()
	t.outages = append(t.outages, outage)
	t.acked += load.Acked.Load()
	t.read += load.Read.Load()
	t.bad, t.unknown = append(t.bad, bad...), append(t.unknown, unknown...)
	t.loads = append(t.loads, load)
}

func (t *total) report(out io.Writer, o options) {
	for _, load := range t.loads {
		t.changed = append(t.changed, load.Changed()...)
	}
	at := func(q float64) time.Duration { return trial.Quantile(t.outages, q).Round(time.Millisecond) }
	fmt.Fprintf(out, "%d kills, preset %s, level %s: outage min %v, median %v, p90 %v, p99 %v, max %v\n",
		len(t.outages), o.Preset, o.level, at(0), at(0.5), at(0.9), at(0.99), at(1))
	fmt.Fprintf(out, "%d writes acknowledged, %d reads, %d keys: %d not linearizable, %d undecided, %d changed after the last write\n",
		t.acked, t.read, len(t.outages)*o.keys, len(t.bad), len(t.unknown), len(t.changed))
}
