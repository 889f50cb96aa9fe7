package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/pando-go/pando/examples/peerbench/internal/benchpb"
)

// remoteLine is a line of the remote tables.
type remoteLine struct {
	name    string
	title   string
	asks    int // in flight; 0 is one-way
	text    int // bytes of text, for messages of 64 or 1,024 bytes
	batch   int // messages of a batch, or asks of one goroutine
	ratio   float64
	overTCP float64 // times as long as the bare connection, at most
}

func remoteLines() []remoteLine {
	const small, large = 53, 1012
	return []remoteLine{
		{"remotetell", "one-way, 64 bytes", 0, small, 10_000, 3, 0},
		{"remotetell1k", "one-way, 1 KiB", 0, large, 1_500, 3, 0},
		{"remoteask", "ask, 64 bytes, 1 in flight", 1, small, 200, 0, 1.5},
		{"remoteask1k", "ask, 1 KiB, 1 in flight", 1, large, 200, 0, 1.5},
		{"remoteask64", "ask, 64 bytes, 64 in flight", 64, small, 50, 2, 0},
		{"remoteask641k", "ask, 1 KiB, 64 in flight", 64, large, 50, 2, 0},
	}
}

func (l remoteLine) id() string { return l.name }

// unit is what the value of the line is in: latency where there is one ask at a
// time, else throughput.
func (l remoteLine) unit() string {
	if l.asks == 1 {
		return "µs"
	}
	return "k/s"
}

// better is how many times better a is than b.
func (l remoteLine) better(a, b float64) float64 {
	return workload{higher: l.asks != 1}.better(a, b)
}

func findRemoteLine(name string) (remoteLine, error) {
	for _, l := range remoteLines() {
		if l.name == name {
			return l, nil
		}
	}
	return remoteLine{}, fmt.Errorf("no remote line is called %q", name)
}

// remoteResult is one remote measurement. All but Value is per operation.
type remoteResult struct {
	Value                 float64 // in the unit of the line
	P50, P99              float64 // µs, of asks
	NearAllocs, FarAllocs float64
	NearCPU, FarCPU       float64 // ns
}

// spent is what a process has used up so far.
type spent struct {
	Allocs uint64
	CPU    time.Duration
}

func spending() spent { return spent{memory().Mallocs, cpuTime()} }

// doRemote measures between this process and another that it starts.
func (j job) doRemote(ctx context.Context) (remoteResult, error) {
	p, err := findRemotePeer(j.Peer)
	if err != nil {
		return remoteResult{}, err
	}
	l, err := findRemoteLine(j.Workload)
	if err != nil {
		return remoteResult{}, err
	}
	id, err := newIdentity()
	if err != nil {
		return remoteResult{}, err
	}
	other, err := startFar(ctx, farJob{j.Peer, l.name, j.Plan.Profile, l.batch, id})
	if err != nil {
		return remoteResult{}, err
	}
	defer other.stop()
	n, err := p.dial(ctx, side{identity: id}, other.address)
	if err != nil {
		return remoteResult{}, fmt.Errorf("dial: %w", err)
	}
	if err := untilReached(ctx, n); err != nil {
		return remoteResult{}, err
	}
	stop, err := profiled(j.Plan.Profile, "near", l.name, p.name)
	if err != nil {
		return remoteResult{}, err
	}
	defer stop()
	d := remoteRun{j.Plan, l, n, other}
	if l.asks > 0 {
		return d.askAll(ctx)
	}
	return d.tellAll(ctx)
}

// remoteRun is one remote measurement.
type remoteRun struct {
	plan
	line  remoteLine
	near  near
	other *farProcess
}

// costs makes a result of what both processes spent on ops operations.
func (d remoteRun) costs(ops int, near, nearEnd, far, farEnd spent) remoteResult {
	per := func(a, b uint64) float64 { return float64(b-a) / float64(ops) }
	return remoteResult{
		NearAllocs: per(near.Allocs, nearEnd.Allocs), FarAllocs: per(far.Allocs, farEnd.Allocs),
		NearCPU: per(uint64(near.CPU), uint64(nearEnd.CPU)), FarCPU: per(uint64(far.CPU), uint64(farEnd.CPU)),
	}
}

// measured runs f once for a tenth of the time and once for all of it, and says
// what that took. f returns how many operations it did.
func (d remoteRun) measured(f func(time.Duration) (int, error)) (ops int, took time.Duration, c remoteResult, _ error) {
	if _, err := f(d.For / 10); err != nil {
		return 0, 0, c, err
	}
	far, err := d.other.spent(d.Patience)
	if err != nil {
		return 0, 0, c, err
	}
	near, start := spending(), time.Now()
	ops, err = f(d.For)
	if err != nil {
		return 0, 0, c, err
	}
	took = time.Since(start)
	nearEnd := spending()
	farEnd, err := d.other.spent(d.Patience)
	if err != nil {
		return 0, 0, c, err
	}
	return ops, took, d.costs(ops, near, nearEnd, far.Spent, farEnd.Spent), nil
}

// onTheWay is how many batches of tells may be sent before the first of them is
// counted there: the pipe between is to stay full, but no queue is to grow for ever.
const onTheWay = 8

// tells measures one goroutine that sends one-way.
func (d remoteRun) tellAll(ctx context.Context) (remoteResult, error) {
	loads := make([]benchpb.Load, d.line.batch) // messages may be encoded later, so each stays as it is
	text := make([]byte, d.line.text)
	for i := range loads {
		loads[i].Seq, loads[i].Text = uint64(i+1), text
	}
	var want sum
	ops, took, c, err := d.measured(func(limit time.Duration) (int, error) {
		n := 0
		err := d.near.telling(ctx, func(tell remoteTell) (err error) {
			n, err = d.stream(limit, tell, loads)
			return err
		})
		for i := range n {
			want.add(loads[i%len(loads)].Seq, d.line.text)
		}
		return n, err
	})
	if err != nil {
		return remoteResult{}, err
	}
	c.Value = float64(ops) / took.Seconds() / 1e3
	return c, d.complete(want)
}

// complete checks that all messages arrived, and each once.
func (d remoteRun) complete(want sum) error {
	time.Sleep(20 * time.Millisecond) // for what would come twice
	l, err := d.other.spent(d.Patience)
	if err == nil && l.Sum != want {
		err = fmt.Errorf("%+v arrived, not %+v", l.Sum, want)
	}
	return err
}

// stream sends batches until limit has passed, and returns when all were counted.
func (d remoteRun) stream(limit time.Duration, tell remoteTell, loads []benchpb.Load) (int, error) {
	start := time.Now()
	sent, counted := 0, 0
	for sent == 0 || time.Since(start) < limit {
		if err := tellBatch(tell, loads); err != nil {
			return 0, err
		}
		if sent++; sent-counted == onTheWay {
			if err := d.counted(); err != nil {
				return 0, err
			}
			counted++
		}
	}
	for ; counted < sent; counted++ {
		if err := d.counted(); err != nil {
			return 0, err
		}
	}
	return sent * len(loads), nil
}

func tellBatch(tell remoteTell, loads []benchpb.Load) error {
	for i := range loads {
		if err := tell(&loads[i]); err != nil {
			return err
		}
	}
	return tell(nil)
}

// counted waits until the far side has one more batch.
func (d remoteRun) counted() error {
	late := time.NewTimer(d.Patience)
	defer late.Stop()
	select {
	case _, ok := <-d.other.batches:
		if !ok {
			return fmt.Errorf("%w: the far side ended", errLost)
		}
		return nil
	case <-late.C:
		return fmt.Errorf("%w: no batch was complete after %v", errLost, d.Patience)
	}
}

// asks measures goroutines that ask, each the next when it has its answer.
func (d remoteRun) askAll(ctx context.Context) (remoteResult, error) {
	var times []time.Duration
	ops, took, c, err := d.measured(func(limit time.Duration) (int, error) {
		var err error
		times, err = d.askFor(ctx, limit)
		return len(times), err
	})
	if err != nil {
		return remoteResult{}, err
	}
	slices.Sort(times)
	at := func(q float64) float64 {
		return float64(times[int(q*float64(len(times)-1))].Nanoseconds()) / 1e3
	}
	c.P50, c.P99 = at(0.5), at(0.99)
	c.Value = float64(ops) / took.Seconds() / 1e3
	if d.line.asks == 1 {
		c.Value = c.P50
	}
	return c, nil
}

// askFor asks until limit has passed. It returns how long each ask took.
func (d remoteRun) askFor(ctx context.Context, limit time.Duration) ([]time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, limit+d.Patience)
	defer cancel()
	start := time.Now()
	var mu sync.Mutex
	var all []time.Duration
	err := d.near.asking(ctx, d.line.asks, func(ask remoteAsk) error {
		times := make([]time.Duration, 0, 1<<14)
		text := make([]byte, d.line.text)
		for time.Since(start) < limit || len(times) == 0 {
			for range d.line.batch {
				m := &benchpb.Load{Seq: uint64(len(times) + 1), Text: text}
				asked := time.Now()
				answer, err := ask(m)
				if err != nil {
					return err
				}
				if answer.GetSeq() != m.Seq || len(answer.GetText()) != d.line.text {
					return fmt.Errorf("ask %d was answered with %d of %d bytes", m.Seq, answer.GetSeq(), len(answer.GetText()))
				}
				times = append(times, time.Since(asked))
			}
		}
		mu.Lock()
		defer mu.Unlock()
		all = append(all, times...)
		return nil
	})
	return all, err
}

// decodingAllocs is how many allocations it takes to decode one message: what a
// receiver cannot do without.
func decodingAllocs(text int) float64 {
	const n = 1000
	raw, err := proto.Marshal(&benchpb.Load{Seq: 1, Text: make([]byte, text)})
	if err != nil {
		return 0
	}
	before := memory().Mallocs
	for range n {
		if err := proto.Unmarshal(raw, new(benchpb.Load)); err != nil {
			return 0
		}
	}
	return math.Round(float64(memory().Mallocs-before) / n)
}
