package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

func TestOutboxKeepsOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutbox()
		go func() {
			for i := range byte(100) {
				o.add([]byte{i})
			}
		}()
		var got []byte
		for len(got) < 100 {
			frames, err := o.take(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range frames {
				got = append(got, f...)
			}
		}
		for i, b := range got {
			if int(b) != i {
				t.Fatalf("got frame %d in place %d", b, i)
			}
		}
	})
}

func TestOutboxIsBounded(t *testing.T) {
	for name, fill := range map[string]func(o *outbox){
		"by frames": func(o *outbox) {
			for range outboxFrames + 1 {
				o.add(nil)
			}
		},
		"by bytes": func(o *outbox) { o.add(make([]byte, outboxBytes)); o.add([]byte{1}) },
	} {
		t.Run(name, func(t *testing.T) {
			o := newOutbox()
			fill(o)
			o.add([]byte("after"))
			if frames, err := o.take(t.Context()); !errors.Is(err, errSlow) || len(frames) > 0 {
				t.Errorf("got %d frames, %v; want none, errSlow", len(frames), err)
			}
		})
	}
}

func TestOutboxEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := newOutbox().take(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
