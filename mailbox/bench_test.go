package mailbox

import (
	"sync/atomic"
	"testing"
)

type token struct{}

func BenchmarkTell(b *testing.B) {
	p := NewPool(0, 0)
	defer p.Close()
	var n atomic.Int64
	done := make(chan struct{})
	want := int64(0)
	m := newMailbox(&quiet{onUser: func(msg any) {
		if msg == nil {
			close(done)
		}
		n.Add(1)
	}}, p)
	m.Start()
	msg := &token{}
	b.ReportAllocs()
	for b.Loop() {
		m.PostUserMessage(msg)
		want++
	}
	m.PostUserMessage(nil)
	<-done
}

func BenchmarkPingPong(b *testing.B) {
	p := NewPool(0, 0)
	defer p.Close()
	var ping, pong *unbounded
	msg, back := &token{}, make(chan struct{}, 1)
	left := 0
	ping = newMailbox(&quiet{onUser: func(any) {
		if left--; left <= 0 {
			back <- struct{}{}
			return
		}
		pong.PostUserMessage(msg)
	}}, p)
	pong = newMailbox(&quiet{onUser: func(any) { ping.PostUserMessage(msg) }}, p)
	ping.Start()
	pong.Start()
	b.ReportAllocs()
	const rounds = 1000
	for b.Loop() {
		left = rounds
		pong.PostUserMessage(msg)
		<-back
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rounds, "ns/round")
}
