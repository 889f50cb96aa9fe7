// Command join fills three nodes with entities, starts a fourth one, and prints how
// long it takes until that has its share, without an operator's word, and until the
// others have it back when that node leaves.
//
//	go run ./clusterd/sharding/internal/cmd/join -n 56000
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/clusterd/sharding/durable"
	"github.com/pando-go/pando/clusterd/sharding/internal/trial"
)

// options are the command's flags.
type options struct {
	trial.Setup
	n    int
	size int
}

func main() {
	trial.Main()
	var o options
	o.Flags()
	flag.IntVar(&o.n, "n", 56000, "how many entities")
	flag.IntVar(&o.size, "size", 100, "bytes of each one's state")
	trial.Command(o.run)
}

// run is the whole trial.
func (o *options) run(ctx context.Context, out io.Writer) error {
	o.Patience = 10 * time.Second
	return o.Run(ctx, func(c *trial.Cluster) error {
		filled := time.Now()
		if err := fill(ctx, c, *o); err != nil {
			return err
		}
		fmt.Fprintf(out, "%d entities of %d bytes written in %v\n", o.n, o.size, time.Since(filled).Round(time.Millisecond))
		before, err := durable.Table(c.Node)
		if err != nil {
			return err
		}
		load := c.Begin(ctx, "join", 8, 2)
		if err := load.WaitAll(time.Time{}); err != nil {
			return err
		}
		load.Gap(nil)
		return join(ctx, c, load, before, out)
	})
}

// join starts the fourth node, waits until everything is in place, and has it leave.
func join(ctx context.Context, c *trial.Cluster, load *trial.Load, before []durable.Row, out io.Writer) error {
	begin := time.Now()
	if _, err := c.Add(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for !c.Up(3) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		time.Sleep(5 * time.Millisecond)
	}
	up := time.Since(begin)
	if err := c.Settle(ctx); err != nil {
		return err
	}
	took, gap := time.Since(begin), load.Gap(nil)
	after, err := durable.Table(c.Node)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "the fourth node was up after %v and had its share after %v, %v later\n",
		up.Round(time.Millisecond), took.Round(time.Millisecond), (took - up).Round(time.Millisecond))
	compare(before, after, out)
	fmt.Fprintf(out, "meanwhile: longest gap of a key's writes %v, %d not done, %d of unknown outcome; the machine was late by up to %v\n",
		gap.Round(time.Millisecond), load.NotDone.Load(), load.Unknown.Load(), c.Late())

	begin = time.Now()
	if err := errors.Join(c.Leave(3), c.Settle(ctx)); err != nil {
		return err
	}
	took, gap = time.Since(begin), load.Gap(nil)
	bad, _ := load.End()
	fmt.Fprintf(out, "it left again, with everything in place after %v: longest gap %v, since the beginning %d not done, %d of unknown outcome, %d keys not linearizable\n",
		took.Round(time.Millisecond), gap.Round(time.Millisecond), load.NotDone.Load(), load.Unknown.Load(), len(bad))
	return nil
}

// compare prints what a join has moved.
func compare(before, after []durable.Row, out io.Writer) {
	moved, most, copies, leads := 0, 0, map[string]int{}, map[string]int{}
	for i, r := range after {
		leads[r.Primary]++
		for _, a := range append(r.Replicas, r.Primary) {
			copies[a]++
			if a != before[i].Primary && !slices.Contains(before[i].Replicas, a) {
				moved++
			}
		}
	}
	for _, n := range copies {
		most = max(most, n)
	}
	total := 3 * len(after)
	fmt.Fprintf(out, "copies moved: %d of %d, the least possible is %d; most on a node: %d, balance %.3f; primaries %v\n",
		moved, total, total/4, most, float64(most)*4/float64(total), leads)
}

// fill writes the entities, many at a time.
func fill(ctx context.Context, c *trial.Cluster, o options) error {
	const workers = 256
	text := wrapperspb.String(string(make([]byte, o.size)))
	kind := trial.Register(durable.Quorum)
	var group sync.WaitGroup
	errs := make(chan error, workers)
	for w := range workers {
		group.Go(func() {
			for i := w; i < o.n; i += workers {
				e := durable.Ref(c.Node, kind, fmt.Sprint("entity ", i)).With(text).Within(30 * time.Second)
				_, err := durable.Ask[*wrapperspb.StringValue](ctx, e)
				for try := 0; err != nil && try < 5; try++ { // to write it twice does no harm
					_, err = durable.Ask[*wrapperspb.StringValue](ctx, e)
				}
				if err != nil {
					errs <- err
					return
				}
			}
		})
	}
	group.Wait()
	close(errs)
	return <-errs
}
