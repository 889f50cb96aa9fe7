package mailbox_test

import (
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	pa "github.com/asynkron/protoactor-go/actor"

	"github.com/pando-go/pando/mailbox"
)

// token is what benchmarks send: a pointer, so that sending it allocates nothing.
type token struct{ _ int }

// receiver is the least invoker there is.
type receiver func(any)

func (receiver) InvokeSystemMessage(any)   {}
func (f receiver) InvokeUserMessage(m any) { f(m) }
func (receiver) EscalateFailure(_, _ any)  {}

func begin(p mailbox.Producer, d pa.Dispatcher, f func(any)) pa.Mailbox {
	m := p()
	m.RegisterHandlers(receiver(f), d)
	m.Start()
	return m
}

// benchTell has a number of producers tell one receiver, 64 Ki messages at a time.
func benchTell(b *testing.B, make mailbox.Producer, producers int) {
	const burst = 1 << 16
	p := mailbox.NewPool(0, 0)
	defer p.Close()
	left := burst
	back := newSignal()
	m := begin(make, p, func(any) {
		if left--; left == 0 {
			left = burst
			back <- struct{}{}
		}
	})
	msg := &token{}
	b.ReportAllocs()
	for b.Loop() {
		var wg sync.WaitGroup
		for range producers {
			wg.Go(func() {
				for range burst / producers {
					m.PostUserMessage(msg)
				}
			})
		}
		wg.Wait()
		<-back
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/burst, "ns/msg")
}

func newSignal() chan struct{} { return make(chan struct{}, 1) }

func BenchmarkTell1(b *testing.B) { benchTell(b, mailbox.Unbounded(), 1) }
func BenchmarkTell8(b *testing.B) { benchTell(b, mailbox.Unbounded(), 8) }

// BenchmarkPingPong bounces one message between two receivers.
func BenchmarkPingPong(b *testing.B) { benchPairs(b, 1) }

// BenchmarkPingPong8 does so between eight pairs at once.
func BenchmarkPingPong8(b *testing.B) { benchPairs(b, 8) }

func benchPairs(b *testing.B, pairs int) {
	const rounds = 1000
	p := mailbox.NewPool(0, 0)
	defer p.Close()
	msg := &token{}
	back := make(chan struct{}, pairs)
	kick := make([]func(), pairs)
	for i := range kick {
		var ping, pong pa.Mailbox
		left := 0
		ping = begin(mailbox.Unbounded(), p, func(any) {
			if left--; left <= 0 {
				back <- struct{}{}
				return
			}
			pong.PostUserMessage(msg)
		})
		pong = begin(mailbox.Unbounded(), p, func(any) { ping.PostUserMessage(msg) })
		kick[i] = func() { left = rounds; pong.PostUserMessage(msg) }
	}
	b.ReportAllocs()
	for b.Loop() {
		for _, f := range kick {
			f()
		}
		for range kick {
			<-back
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rounds/float64(pairs), "ns/round")
}

// BenchmarkFanOut wakes 10,000 idle receivers.
func BenchmarkFanOut(b *testing.B) {
	const n = 10000
	p := mailbox.NewPool(0, 0)
	defer p.Close()
	back := newSignal()
	var left atomic.Int64
	all := make([]pa.Mailbox, n)
	make := mailbox.Unbounded()
	for i := range all {
		all[i] = begin(make, p, func(any) {
			if left.Add(-1) == 0 {
				back <- struct{}{}
			}
		})
	}
	msg := &token{}
	b.ReportAllocs()
	for b.Loop() {
		left.Store(n)
		for _, m := range all {
			m.PostUserMessage(msg)
		}
		<-back
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/msg")
}

// BenchmarkWake is the round trip from a goroutine outside to an idle receiver.
func BenchmarkWake(b *testing.B) {
	p := mailbox.NewPool(0, 0)
	defer p.Close()
	back := newSignal()
	m := begin(mailbox.Unbounded(), p, func(any) { back <- struct{}{} })
	msg := &token{}
	b.ReportAllocs()
	for b.Loop() {
		m.PostUserMessage(msg)
		<-back
	}
}

// BenchmarkIdle tells what an idle mailbox weighs.
func BenchmarkIdle(b *testing.B) {
	const n = 100_000
	p := mailbox.NewPool(0, 0)
	defer p.Close()
	f := receiver(func(any) {})
	for b.Loop() {
		all := make([]pa.Mailbox, n)
		make := mailbox.Unbounded()
		before := heap()
		for i := range all {
			all[i] = make()
			all[i].RegisterHandlers(f, p)
			all[i].Start()
		}
		b.ReportMetric(float64(heap()-before)/n, "B/mailbox")
		runtime.KeepAlive(all)
	}
}

func heap() int64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

// held is a dispatcher that runs when the benchmark says so.
type held struct{ fn func() }

func (h *held) Schedule(fn func()) { h.fn = fn }
func (*held) Throughput() int      { return 1 << 30 }

// BenchmarkQueue posts and receives on one goroutine, a thousand at a time: the
// bare cost of a mailbox.
func BenchmarkQueue(b *testing.B) { benchQueue(b, 1000) }

// BenchmarkQueueOne does so one at a time.
func BenchmarkQueueOne(b *testing.B) { benchQueue(b, 1) }

func benchQueue(b *testing.B, n int) {
	h := new(held)
	m := begin(mailbox.Unbounded(), h, func(any) {})
	msg := &token{}
	b.ReportAllocs()
	for b.Loop() {
		for range n {
			m.PostUserMessage(msg)
		}
		h.fn()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/msg")
}
