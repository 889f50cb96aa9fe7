package reliable_test

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/pando-go/pando/actor"
	"github.com/pando-go/pando/remote/reliable"
)

// BenchmarkLocal sends messages of 64 bytes to a consumer of the same process, as
// fast as the consumer confirms.
func BenchmarkLocal(b *testing.B) {
	ctx := context.Background()
	sys, err := actor.NewSystem(actor.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		b.Fatal(err)
	}
	defer sys.Close(ctx)
	to, err := actor.Spawn(sys, "", reliable.Consumer(reliable.Func(
		func(*reliable.Context, *wrapperspb.BytesValue) error { return nil }), reliable.ConsumerConfig{}))
	if err != nil {
		b.Fatal(err)
	}
	p, err := reliable.NewProducer[*wrapperspb.BytesValue](sys, "bench", to, reliable.Config{})
	if err != nil {
		b.Fatal(err)
	}
	m := wrapperspb.Bytes(make([]byte, 60))
	b.ReportAllocs()
	for b.Loop() {
		if err := p.Send(ctx, m); err != nil {
			b.Fatal(err)
		}
	}
	if err := p.Flush(ctx); err != nil {
		b.Fatal(err)
	}
}
