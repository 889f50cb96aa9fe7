package durable_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/clusterd"
	"github.com/pando-go/pando/clusterd/sharding/durable"
)

// BenchmarkAsk is asks of counters on one node, in memory: what the way through a
// home, the log and back costs, without a disk and a network.
func BenchmarkAsk(b *testing.B) {
	for _, level := range []durable.Level{durable.Async, durable.Quorum} {
		for _, write := range []int64{0, 1} {
			b.Run(fmt.Sprintf("%v/add=%d", level, write), func(b *testing.B) { benchmarkAsk(b, level, write) })
		}
	}
}

func benchmarkAsk(b *testing.B, level durable.Level, add int64) {
	kind := Counter
	kind.Level = level
	node, err := clusterd.Start(b.Context(), clusterd.Config{
		Name: "bench", Listen: "127.0.0.1:0", FoundAlone: true, Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Services: []clusterd.Service{durable.Host(durable.Config{Replicas: 1}, kind)},
	})
	if err != nil {
		b.Fatal(err)
	}
	defer node.Close()
	if err := node.Ready(b.Context()); err != nil {
		b.Fatal(err)
	}
	ask := func(i int) {
		ref := durable.Ref(node, kind, fmt.Sprint("c", i%1000))
		if _, err := durable.Ask[*wrapperspb.Int64Value](b.Context(), ref.With(wrapperspb.Int64(add)).Within(time.Minute)); err != nil {
			b.Error(err)
		}
	}
	for i := range 1000 {
		ask(i)
	}
	b.ReportAllocs()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			ask(i)
		}
	})
}
