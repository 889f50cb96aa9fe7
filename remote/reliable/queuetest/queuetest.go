// Package queuetest tests implementations of reliable.Queue:
//
//	func TestFileQueue(t *testing.T) {
//		queuetest.Run(t, func(t *testing.T) func() reliable.Queue {
//			path := filepath.Join(t.TempDir(), "queue")
//			return func() reliable.Queue { return openFileQueue(t, path) }
//		})
//	}
//
// The package is for tests: it links testing.
package queuetest

import (
	"fmt"
	"testing"

	"github.com/pando-go/pando/remote/reliable"
)

// Run tests a kind of queue. For each part of the test, fresh makes a place for one
// queue and returns how to open it; each further opening is that of a process which
// was started after the last one was killed.
func Run(t *testing.T, fresh func(t *testing.T) (open func() reliable.Queue)) {
	t.Helper()
	for name, part := range map[string]func(*testing.T, func() reliable.Queue){
		"a new queue is empty":           isEmpty,
		"messages survive":               survive,
		"confirmed messages are gone":    areGone,
		"epochs grow and streams remain": grow,
		"confirming is idempotent":       confirmTwice,
		"bytes are returned as they are": anyBytes,
		"numbers go on":                  goOn,
	} {
		t.Run(name, func(t *testing.T) { part(t, fresh(t)) })
	}
}

// opened opens a queue and its incarnation.
func opened(t *testing.T, open func() reliable.Queue) (reliable.Queue, reliable.State) {
	t.Helper()
	q := open()
	s, err := q.Open()
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	return q, s
}

func appendAll(t *testing.T, q reliable.Queue, from, to uint64) {
	t.Helper()
	for seq := from; seq <= to; seq++ {
		if err := q.Append(seq, fmt.Append(nil, "message ", seq)); err != nil {
			t.Fatalf("Append(%d): %v", seq, err)
		}
	}
}

func confirm(t *testing.T, q reliable.Queue, seq uint64) {
	t.Helper()
	if err := q.Confirm(seq); err != nil {
		t.Fatalf("Confirm(%d): %v", seq, err)
	}
}

// wantState compares all but stream and epoch with what appendAll appended.
func wantState(t *testing.T, s reliable.State, confirmed, last uint64) {
	t.Helper()
	if s.Confirmed != confirmed {
		t.Errorf("confirmed: got %d, want %d", s.Confirmed, confirmed)
	}
	if got, want := uint64(len(s.Unconfirmed)), last-confirmed; got != want {
		t.Fatalf("unconfirmed: got %d, want %d", got, want)
	}
	for i, m := range s.Unconfirmed {
		if got, want := string(m), fmt.Sprint("message ", confirmed+uint64(i)+1); got != want {
			t.Errorf("unconfirmed %d: got %q, want %q", i, got, want)
		}
	}
}

func isEmpty(t *testing.T, open func() reliable.Queue) {
	_, s := opened(t, open)
	wantState(t, s, 0, 0)
	if s.Stream == 0 || s.Epoch == 0 {
		t.Errorf("got stream %d epoch %d, want neither 0", s.Stream, s.Epoch)
	}
}

func survive(t *testing.T, open func() reliable.Queue) {
	q, _ := opened(t, open)
	appendAll(t, q, 1, 5)
	_, s := opened(t, open)
	wantState(t, s, 0, 5)
}

func areGone(t *testing.T, open func() reliable.Queue) {
	q, _ := opened(t, open)
	appendAll(t, q, 1, 5)
	confirm(t, q, 3)
	q, s := opened(t, open)
	wantState(t, s, 3, 5)
	confirm(t, q, 5)
	_, s = opened(t, open)
	wantState(t, s, 5, 5)
}

func grow(t *testing.T, open func() reliable.Queue) {
	_, first := opened(t, open)
	for epoch, n := first.Epoch, 0; n < 3; n++ {
		_, s := opened(t, open)
		if s.Epoch <= epoch {
			t.Errorf("epoch: got %d after %d", s.Epoch, epoch)
		}
		if s.Stream != first.Stream {
			t.Errorf("stream: got %d, want %d as at first", s.Stream, first.Stream)
		}
		epoch = s.Epoch
	}
}

func confirmTwice(t *testing.T, open func() reliable.Queue) {
	q, _ := opened(t, open)
	appendAll(t, q, 1, 5)
	confirm(t, q, 3)
	confirm(t, q, 3)
	confirm(t, q, 2)
	confirm(t, q, 0)
	_, s := opened(t, open)
	wantState(t, s, 3, 5)
}

func anyBytes(t *testing.T, open func() reliable.Queue) {
	all := []string{"", "\x00\n\xff", string(make([]byte, 100_000))}
	q, _ := opened(t, open)
	for i, m := range all {
		if err := q.Append(uint64(i+1), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	_, s := opened(t, open)
	for i, want := range all {
		if got := string(s.Unconfirmed[i]); got != want {
			t.Errorf("message %d: got %.20q, want %.20q", i+1, got, want)
		}
	}
}

func goOn(t *testing.T, open func() reliable.Queue) {
	q, _ := opened(t, open)
	appendAll(t, q, 1, 5)
	confirm(t, q, 5)
	q, _ = opened(t, open)
	appendAll(t, q, 6, 8)
	_, s := opened(t, open)
	wantState(t, s, 5, 8)
}
