// Command handover moves the primaries of shards from node to node under load and
// prints the longest time in which no write of a moving shard was acknowledged.
//
//	go run ./clusterd/sharding/internal/cmd/handover -n 100
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/sharding/internal/trial"
	"github.com/pando-go/pando/clusterd/slots"
)

// options are the command's flags.
type options struct {
	trial.Setup
	n    int
	keys int
}

func main() {
	trial.Main()
	var o options
	o.Flags()
	flag.IntVar(&o.n, "n", 100, "how many hand-overs")
	flag.IntVar(&o.keys, "keys", 4, "how many keys the clients use, four clients each")
	trial.Command(o.run)
}

// run is the whole trial.
func (o *options) run(ctx context.Context, out io.Writer) error {
	o.Patience = 10 * time.Second
	return o.Run(ctx, func(c *trial.Cluster) error {
		load := c.Begin(ctx, "handover", o.keys, 4)
		var gaps []time.Duration
		c.Late()
		for i := range o.n {
			gap, err := move(ctx, c, load, i)
			if err != nil {
				return fmt.Errorf("hand-over %d: %w", i+1, err)
			}
			gaps = append(gaps, gap)
		}
		bad, _ := load.End()
		at := func(q float64) time.Duration { return trial.Quantile(gaps, q) }
		late := 0
		machine := c.Late()
		for _, gap := range gaps {
			if gap >= budget {
				late++
			}
		}
		fmt.Fprintf(out, "%d hand-overs: gap min %v, median %v, p90 %v, max %v; %d of %v or more; the machine was late by up to %v\n",
			len(gaps), at(0), at(0.5), at(0.9), at(1), late, budget, machine)
		fmt.Fprintf(out, "%d writes acknowledged, %d reads, %d not done, %d of unknown outcome, %d keys not linearizable\n",
			load.Acked.Load(), load.Read.Load(), load.NotDone.Load(), load.Unknown.Load(), len(bad))
		if len(bad) > 0 {
			return errors.New("not linearizable")
		}
		return nil
	})
}

// budget is what a gap is to stay below.
const budget = 50 * time.Millisecond

// move makes the node after the present one the primary of a key's shard, and
// returns the gap in that key's writes.
func move(ctx context.Context, c *trial.Cluster, load *trial.Load, i int) (time.Duration, error) {
	key := load.Keys()[i%len(load.Keys())]
	if err := load.WaitAll(time.Now()); err != nil {
		return 0, err
	}
	load.Gap(nil)
	to := c.Address((c.IndexOf(load.PrimaryOf(key)) + 1) % 3)
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := durable.Transfer(ctx, c.Node, slots.Of(key), to); err != nil {
		return 0, err
	}
	if err := load.WaitAll(time.Now()); err != nil {
		return 0, err
	}
	return load.Gap(func(k string) bool { return k == key }), nil
}
